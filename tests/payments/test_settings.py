"""Settings: what the environment says, and every fault of it at once."""

from pathlib import Path

import pytest

from payments.settings import Settings, SettingsError, generated_environment


def test_the_folder_of_an_operator_s_senders_must_be_there(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql:///x", **generated_environment()}
    assert Settings.from_env(environment).adapter_files is None
    assert Settings.from_env({**environment, "HOCPHI_ADAPTER_FILES": str(tmp_path)}).adapter_files == tmp_path
    with pytest.raises(SettingsError, match="HOCPHI_ADAPTER_FILES"):
        Settings.from_env({**environment, "HOCPHI_ADAPTER_FILES": str(tmp_path / "missing")})
