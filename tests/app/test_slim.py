"""What the service leaves out of its libraries stays out, and LanceDB works without it."""

import subprocess
import sys

_SCRIPT = """
import asyncio, sys, tempfile
from app.slim import leave_out_rest_client
leave_out_rest_client()
import lancedb

async def main(folder):
    connection = await lancedb.connect_async(folder)
    table = await connection.create_table("t", [{"x": 1, "vector": [0.0, 1.0]}])
    assert await table.count_rows() == 1

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(folder))
print(sum(name.startswith("lance_namespace_urllib3_client.models.") for name in sys.modules))
"""


def test_lancedb_works_without_its_rest_client() -> None:
    """In a process of its own: here the client may have been imported already."""
    found = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 20  # 120 with the real one
