"""What an operator can set: flags over environment (`PIERHEAD_*`) over `HOME/pierhead.toml` over defaults."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    """One frozen value, read once in `processes` or `cli` and handed down in parts."""

    # An empty variable is an unset one: PIERHEAD_HOME="" must not make the current folder the home.
    model_config = SettingsConfigDict(env_prefix="PIERHEAD_", env_ignore_empty=True, frozen=True, extra="forbid")

    home: Path = Field(default=Path("~/.pierhead"), description="Folder that holds all state.")
    host: str = Field(default="127.0.0.1", description="Address the public port listens on.")
    port: int = Field(default=5050, ge=0, le=65535, description="The public port.")
    database_url: str = Field(default="", description="Metadata database; empty means SQLite in the home.")
    gateways: int = Field(default=1, ge=1, le=64, description="Gateway processes that share the public port.")
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="Largest body of an invocation, bytes.")
    invocation_timeout_s: float = Field(default=120.0, gt=0, le=297, description="Longest wait for an answer, seconds.")
    queue_limit: int = Field(default=1000, ge=1, description="Requests that may wait per endpoint before 429.")
    access_log_rate: float = Field(
        default=0.01, ge=0, le=1, description="Share of the invocations that get a line in the gateway's log, 0-1."
    )
    tls_certificate: Path | None = Field(
        default=None, description="Certificate chain (PEM); with it the public port speaks TLS."
    )
    tls_key: Path | None = Field(
        default=None, description="Private key (PEM) of the certificate; unset: it is in the same file."
    )
    startup_timeout_s: float = Field(default=300.0, gt=0, description="Longest load of a model version, seconds.")
    build_timeout_s: float = Field(default=1800.0, gt=0, description="Longest build of an environment, seconds.")
    scale_to_zero_after_s: float = Field(
        default=300.0, gt=0, description="Time without calls after which the last worker goes, if it may, seconds."
    )
    originals_idle_s: float = Field(
        default=300.0,
        gt=0,
        description="Time after which the original beside a compiled version goes, if it is not needed, seconds.",
    )
    worker_memory_bytes: int = Field(
        default=0, ge=0, description="Memory that one worker may use, bytes; 0 means 80% of the machine's."
    )
    compile_versions: Literal["registered", "served", "asked"] = Field(
        default="registered",
        description="What is compiled unasked: every version that is registered, those that are served, or none.",
    )
    compile_timeout_s: float = Field(default=600.0, gt=0, description="Longest compilation of a version, seconds.")
    compile_memory_bytes: int = Field(
        default=4 * 1024**3, ge=256 * 1024**2, description="Memory that a compile job may take, bytes."
    )
    verify_rate: float = Field(
        default=0.001, ge=0, le=1, description="Share of compiled answers that is compared with the original's, 0-1."
    )
    verify_interval_s: float = Field(
        default=60.0, gt=0, description="Pause between two such comparisons of a version, seconds."
    )
    ingest_interval_s: float = Field(
        default=1.0, gt=0, description="Pause between writes to inference tables, seconds."
    )
    audit_checkpoints: str = Field(
        default="", description="File of the audit trail's checkpoints; empty: audit/checkpoints.jsonl in the home."
    )
    webhooks_to_private: bool = Field(
        default=False,
        description="Whether webhooks of others than admins may lead to loopback, link-local and private addresses.",
    )

    smtp_host: str = Field(default="", description="Server that alerts are e-mailed through; empty: no e-mail.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    smtp_encryption: Literal["off", "starttls", "tls"] = Field(
        default="starttls", description="How the connection to it is encrypted: starttls, tls, or off."
    )
    smtp_user: str = Field(default="", description="Who to log in as; empty: without.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="The password for that.")
    smtp_sender: str = Field(default="", description="Sender of e-mails; empty: pierhead@ and the server's name.")
    smtp_authorities: Path | None = Field(
        default=None, description="Certificates (PEM) that are trusted beside the system's."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        home = init_settings().get("home") or env_settings().get("home") or cls.model_fields["home"].default
        file = Path(str(home)).expanduser() / "pierhead.toml"
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))


def load(**flags: Any) -> Settings:
    """Settings with the given flags on top; a flag that is None does not count. Raises pydantic.ValidationError."""
    given = {name: value for name, value in flags.items() if value is not None}
    settings = Settings(**given)
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})
