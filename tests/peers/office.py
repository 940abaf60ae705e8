# SPDX-License-Identifier: Apache-2.0
"""LibreOffice without a screen, in a profile of its own: accepts or rejects tracked changes for real.

It needs ``soffice``. Without it the tests are skipped, or fail where POLICYCTL_REQUIRE=all says that
every peer must be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"
 script:language="StarBasic">
Sub SettleAll(folder As String)
  name = Dir(folder &amp; "/*.docx", 0)
  Do While name &lt;&gt; ""
    Settle(folder &amp; "/" &amp; name, ".uno:AcceptAllTrackedChanges", ".accepted")
    Settle(folder &amp; "/" &amp; name, ".uno:RejectAllTrackedChanges", ".rejected")
    name = Dir
  Loop
  StarDesktop.terminate()
End Sub

Sub Settle(source As String, command As String, ending As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden"
  hidden(0).Value = True
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
  dispatcher = createUnoService("com.sun.star.frame.DispatchHelper")
  dispatcher.executeDispatch(document.CurrentController.Frame, command, "", 0, Array())
  Dim plain(1) As New com.sun.star.beans.PropertyValue
  plain(0).Name = "FilterName"
  plain(0).Value = "Text (encoded)"
  plain(1).Name = "FilterOptions"
  plain(1).Value = "UTF8,LF"
  document.storeToURL(source &amp; ending, plain())
  document.close(True)
End Sub
</script:module>
"""


class Office:
    """One profile; started for every batch of documents."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        # The first start lays out the profile and would overwrite a module that is there already.
        self.run("--terminate_after_init")
        (folder / "profile/user/basic/Standard/Module1.xba").write_text(_MODULE, "utf-8")

    def run(self, *words: str) -> None:
        profile = f"-env:UserInstallation={(self.folder / 'profile').as_uri()}"
        command = [self.program, profile, "--headless", "--norestore", *words]
        environment = {**os.environ, "HOME": str(self.folder)}
        done = subprocess.run(command, capture_output=True, timeout=240, env=environment, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")

    def settle(self, documents: Mapping[str, bytes]) -> dict[str, tuple[list[str], list[str]]]:
        """Documents by name -> paragraphs after accepting all changes, and after rejecting all."""
        place = self.folder / "documents"
        place.mkdir()
        for name, data in documents.items():
            (place / f"{name}.docx").write_bytes(data)
        self.run(f"macro:///Standard.Module1.SettleAll({place.as_uri()})")
        settled = {name: (self._read(name, "accepted"), self._read(name, "rejected")) for name in documents}
        shutil.rmtree(place)
        return settled

    def _read(self, name: str, ending: str) -> list[str]:
        path = self.folder / "documents" / f"{name}.docx.{ending}"
        return path.read_text("utf-8-sig").split("\n")


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """LibreOffice, ready to settle documents."""
    program = shutil.which("soffice")
    if program is None:
        if os.environ.get("POLICYCTL_REQUIRE") == "all":
            pytest.fail("LibreOffice is required and soffice is not installed")
        pytest.skip("soffice is not installed")
    return Office(program, tmp_path_factory.mktemp("office"))
