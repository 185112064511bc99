from pathlib import Path


def init(data_dir: Path) -> None: ...
