"""How MLflow's server is started."""

from pathlib import Path

from pierhead.kit.home import Home
from pierhead.tracking.services.mlflow_server import command, environment


def test_what_is_set_for_clients_does_not_reach_the_server() -> None:
    inherited = {
        "PATH": "/bin",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1",
        "DATABRICKS_TOKEN": "secret",
        "PIERHEAD_DATABASE_URL": "postgresql://secret",
        "_MLFLOW_SERVER_READ_REPLICA_BACKEND_STORE": "x",
        "WEB_CONCURRENCY": "9",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1",
        "AZURE_STORAGE_CONNECTION_STRING": "secret",
        "GOOGLE_APPLICATION_CREDENTIALS": "/secret.json",
    }

    given = environment(Home(Path("/home")), inherited)

    assert given["PATH"] == "/bin"
    assert not given.keys() & (inherited.keys() - {"PATH"})
    assert given["_MLFLOW_SERVER_FILE_STORE"] == "sqlite:////home/mlflow.db"
    assert given["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] == "/home/artifacts"


def test_it_listens_only_on_the_socket_it_is_given() -> None:
    arguments = command(7)

    assert arguments[arguments.index("--fd") + 1] == "7"
    assert not {"--host", "--port", "--uds"} & set(arguments)
