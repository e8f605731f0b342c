"""A GGUF model and its context: the few calls of llama.cpp's C interface that are needed.

Not thread-safe, except for `interrupt`. llama.cpp ends the process on some errors, which is why
this lives in a process of its own.
"""

import ctypes
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import llama_cpp.llama_cpp as c

from models.llama.amx import refuse_amx


class LlamaFailed(RuntimeError):
    """llama.cpp refused; the text is a sentence's end for the operator."""


class Llama:
    """One model with one context of several sequences."""

    def __init__(
        self,
        path: Path,
        *,
        threads: int,
        context_tokens: int,
        sequences: int,
        chunk_tokens: int,
        outputs: int = 1,
    ) -> None:
        """Load the weights (memory-mapped).

        `context_tokens` are shared by all sequences. `chunk_tokens` is the most that one call to
        `decode` may hold; `outputs` how many tokens of one sequence may give logits in a call.

        Raises:
            LlamaFailed: if the file is no model that this build can run.
        """
        refuse_amx()
        c.llama_backend_init()
        model = c.llama_model_load_from_file(str(path).encode(), c.llama_model_default_params())
        if model is None:
            raise LlamaFailed(f"{str(path)!r} is not a GGUF model that llama.cpp can load")
        params = c.llama_context_default_params()
        params.n_ctx = context_tokens
        params.n_batch = params.n_ubatch = chunk_tokens
        params.n_seq_max = sequences
        params.n_outputs_max_per_seq = outputs
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        # On a CPU this is the faster one for few tokens at a time: writing by 17 %, a question of
        # 24 tokens by 35 %; chunks of 128 are read 6 % more slowly (docs/notes/performance.md).
        params.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = c.llama_init_from_model(model, params)
        if context is None:
            raise LlamaFailed(f"{str(path)!r} does not fit into memory")
        vocab = c.llama_model_get_vocab(model)
        memory = c.llama_get_memory(context)
        assert vocab is not None
        assert memory is not None
        self._model, self._context, self._vocab, self._memory = model, context, vocab, memory
        self._batch = c.llama_batch_init(chunk_tokens, 0, 1)
        chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        c.llama_sampler_chain_add(chain, c.llama_sampler_init_greedy())
        self._greedy = chain
        self._piece = ctypes.create_string_buffer(256)
        self._install_interrupt()
        self.path = path
        self.chunk_tokens = chunk_tokens
        self.context_tokens = int(c.llama_n_ctx(context))
        self.trained_tokens = int(c.llama_model_n_ctx_train(model))
        self.settings = "; ".join(
            (
                f"llama-cpp-python {version('llama-cpp-python')}",
                c.llama_print_system_info().decode(),
                f"context {self.context_tokens}, sequences {sequences}",
                f"chunk {chunk_tokens}, threads {threads}, no flash attention",
            )
        )
        """All that decides, besides the weights, which numbers come out."""

    def close(self) -> None:
        """Free everything; the object cannot be used afterwards."""
        c.llama_batch_free(self._batch)
        c.llama_sampler_free(self._greedy)
        c.llama_free(self._context)
        c.llama_model_free(self._model)

    # --- text ----------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Return the tokens of a text; only with `special` are control tokens recognised in it."""
        data = text.encode()
        if not data:
            return []
        tokens = (c.llama_token * (len(data) + 8))()
        count = c.llama_tokenize(self._vocab, data, len(data), tokens, len(tokens), False, special)
        if count < 0:
            raise LlamaFailed(f"a text of {len(data)} bytes cannot be tokenised")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; control tokens have none."""
        size = c.llama_token_to_piece(self._vocab, token, self._piece, 256, 0, False)
        if size < 0:
            self._piece = ctypes.create_string_buffer(-size)
            return self.piece(token)
        return self._piece.raw[:size]

    def is_end(self, token: int) -> bool:
        """Tell whether the model means to stop with this token."""
        return bool(c.llama_vocab_is_eog(self._vocab, token))

    def bos_and_eos(self) -> tuple[str, str]:
        """Return how templates write the tokens that a text starts and ends with; empty: none."""
        tokens = c.llama_vocab_bos(self._vocab), c.llama_vocab_eos(self._vocab)
        bos, eos = (c.llama_vocab_get_text(self._vocab, t) if t >= 0 else None for t in tokens)
        return (bos or b"").decode(), (eos or b"").decode()

    @property
    def starts_with_bos(self) -> bool:
        """Whether the model expects every text to start with its first control token."""
        return bool(c.llama_vocab_get_add_bos(self._vocab))

    @property
    def chat_template(self) -> str:
        """The Jinja template of the file; empty if it has none."""
        template = c.llama_model_chat_template(self._model, None)
        return template.decode() if template else ""

    # --- computing -----------------------------------------------------------------------------

    def decode(self, items: Sequence[tuple[int, int, int, bool]]) -> bool:
        """Compute (token, position, sequence, wants logits) items, at most `chunk_tokens`.

        Returns:
            False if `interrupt` was called meanwhile; positions that were computed already must
            then be dropped with `forget`.

        Raises:
            LlamaFailed: if llama.cpp reports an error.
        """
        batch = self._batch
        batch.n_tokens = len(items)
        for i, (token, position, sequence, output) in enumerate(items):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = output
        code = c.llama_decode(self._context, batch)
        if code == 2:
            self._flag[0] = b"\0"
            return False
        if code != 0:
            raise LlamaFailed(f"llama_decode gave {code} for {len(items)} tokens")
        return True

    def sample(self, index: int) -> int:
        """Return the most probable token after item `index` of the last `decode`."""
        return int(c.llama_sampler_sample(self._greedy, self._context, index))

    def interrupt(self) -> None:
        """Make a running `decode` return false soon. May be called from any thread."""
        self._flag[0] = b"\1"

    def _install_interrupt(self) -> None:
        """Let llama.cpp look at one byte of ours before every operation.

        It calls a function and stops if that returns true. ``strlen`` of the byte's address does
        exactly that, without entering Python on each of the thousands of operations per token.
        """
        self._flag = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, c.ggml_abort_callback)
        address = ctypes.cast(self._flag, ctypes.c_void_p)
        c.llama_set_abort_callback(self._context, strlen, address)

    # --- states --------------------------------------------------------------------------------

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence's positions from `start` on."""
        c.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def save(self, sequence: int) -> bytes:
        """Return the state of a sequence."""
        size = c.llama_state_seq_get_size(self._context, sequence)
        data = (ctypes.c_uint8 * size)()
        written = c.llama_state_seq_get_data(self._context, data, size, sequence)
        return bytes(memoryview(data)[:written])

    def save_start(self, sequence: int, end: int, *, spare: int) -> bytes:
        """Return the state up to position `end`; the empty sequence `spare` is used meanwhile."""
        c.llama_memory_seq_cp(self._memory, sequence, spare, 0, end)
        state = self.save(spare)
        self.forget(spare)
        return state

    def restore(self, sequence: int, state: bytes) -> bool:
        """Put a saved state into an empty sequence; false if llama.cpp does not take it."""
        data = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))
        if c.llama_state_seq_set_data(self._context, data, len(state), sequence):
            return True
        self.forget(sequence)
        return False
