"""Files that a command writes for its user are whole, or as they were."""

import os
import subprocess
import sys
import threading

import pytest

from witness.cli.written import write_whole
from witness.errors import InputError

FULL = """
import resource, signal, sys
from pathlib import Path
from witness.cli.written import write_whole
from witness.errors import InputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_whole(Path(sys.argv[1]), "x" * 100_000, hint="Choose another.")
except InputError as error:
    print(error)
"""


def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "accepted.txt"
    path.write_text("former\n")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert f"{path}: cannot be written: File too large" in done.stdout
    assert path.read_text() == "former\n"
    assert [item.name for item in tmp_path.iterdir()] == ["accepted.txt"]


def test_who_may_read_it_and_where_it_leads_stay_as_they_were(tmp_path):
    path, link = tmp_path / "report.json", tmp_path / "latest.json"
    path.write_text("former")
    path.chmod(0o600)
    link.symlink_to(path)
    write_whole(link, "new", hint="")
    assert (path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o600, True)


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "said", hint="")
    reader.join(30)
    assert (read, pipe.is_fifo()) == (["said"], True)


@pytest.mark.parametrize("name", ["missing/report.json", "."])
def test_what_cannot_be_written_is_named(tmp_path, name):
    with pytest.raises(InputError, match="cannot be written") as caught:
        write_whole(tmp_path / name, "x", hint="Choose another file.")
    assert caught.value.hint == "Choose another file."
