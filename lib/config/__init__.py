"""The configuration: `Config.load(env_file, environ)` gives frozen values, or one report of all errors."""

from lib.config.config import Config
from lib.config.findings import ConfigError, Finding
from lib.config.recovery import DisasterRecovery
from lib.config.start_stop import StartStop

__all__ = ["Config", "ConfigError", "DisasterRecovery", "Finding", "StartStop"]
