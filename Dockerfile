# Code in one place (/app, read-only to the service), data in one volume (/data), no root.
#   docker build -t answerdesk .     (--build-arg OCR=no: without text recognition, 100 MB less;
#                                     --build-arg POSTGRES=yes: with the driver of PostgreSQL)
#   docker run -p 8080:8080 -v answerdesk:/data -e CONSOLE_PASSWORD=… -e TELEGRAM_BOT_TOKEN=… answerdesk
# The digest is that of the image for all processors, as public projects resolved it at the end of
# September 2026; `make base` asks the registry for today's.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Compiled for any x86-64 machine with AVX2, not only for the one that builds the image.
ENV CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE=/app/models/llama/compile.cmake"
COPY models/llama/compile.cmake models/llama/
COPY requirements.txt requirements-torch.txt requirements-ocr.txt requirements-postgres.txt ./
ARG OCR=yes
ARG POSTGRES=no
RUN python -m venv .venv \
    && sed -n '/^pip==/,/[^\\]$/p' requirements.txt \
    | .venv/bin/pip install --no-cache-dir --require-hashes -r /dev/stdin \
    && .venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt \
    && .venv/bin/pip install --no-cache-dir -r requirements-torch.txt \
    && if [ "$OCR" != no ]; then \
        .venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-ocr.txt; fi \
    && if [ "$POSTGRES" = yes ]; then \
        .venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-postgres.txt; fi
COPY . .
RUN .venv/bin/pip install --no-deps --no-build-isolation -e .

FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home answerdesk \
    && install -d -o answerdesk -g answerdesk /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
    ANSWERDESK_DATA=/data ANSWERDESK__CONSOLE__HOST=0.0.0.0
USER answerdesk
VOLUME /data
EXPOSE 8080
# The first start fetches the models into the volume; the time it takes depends on the network.
HEALTHCHECK --interval=30s --start-period=10m \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=5)"]
CMD ["sh", "-c", "answerdesk models fetch --default && exec answerdesk run"]
