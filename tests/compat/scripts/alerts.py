"""An alert on a query with the official SDK: `alerts.py FOLDER RECEIVER_URL`."""

import json
import sys
import time
from pathlib import Path

import pyarrow as pa
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service import sql
from databricks.sdk.service.catalog import DataSourceFormat, TableType
from databricks.sdk.service.settings import Config, EmailConfig, GenericWebhookConfig
from deltalake import write_deltalake

folder, url = Path(sys.argv[1]), sys.argv[2]
w = WorkspaceClient()
seen: dict[str, object] = {}

write_deltalake(folder, pa.table({"psi": [0.1, 0.4], "column_name": ["sugar", "alcohol"]}))
w.schemas.create("watched", "main")
w.tables.create(
    name="drift",
    catalog_name="main",
    schema_name="watched",
    table_type=TableType.EXTERNAL,
    data_source_format=DataSourceFormat.DELTA,
    storage_location=f"file://{folder}",
)

destinations = w.notification_destinations
ops = destinations.create(
    display_name="watched ops",
    config=Config(generic_webhook=GenericWebhookConfig(url=url, username="u", password="p")),
)
mail = destinations.create(display_name="mail", config=Config(email=EmailConfig(addresses=["a@example.com"])))
mail = destinations.update(mail.id, display_name="letters")
seen["destinations"] = sorted(each.display_name for each in destinations.list())
seen["mail"] = destinations.get(mail.id).config.email.addresses
destinations.delete(mail.id)

every_second = sql.CronSchedule(quartz_cron_schedule="* * * * * ?", timezone_id="Europe/Berlin")
evaluation = sql.AlertV2Evaluation(
    source=sql.AlertV2OperandColumn(name="psi", aggregation=sql.Aggregation.MAX),
    comparison_operator=sql.ComparisonOperator.GREATER_THAN_OR_EQUAL,
    threshold=sql.AlertV2Operand(value=sql.AlertV2OperandValue(double_value=0.2)),
    empty_result_state=sql.AlertEvaluationState.OK,
    notification=sql.AlertV2Notification(
        notify_on_ok=True,
        subscriptions=[
            sql.AlertV2Subscription(destination_id=ops.id),
            sql.AlertV2Subscription(user_email=w.users.create(user_name="watcher@example.com").user_name),
        ],
    ),
)
text = "SELECT psi FROM `main`.watched.drift WHERE column_name <> :but"
made = w.alerts_v2.create_alert(
    sql.AlertV2(
        display_name="too much drift",
        query_text=text,
        warehouse_id="none",
        evaluation=evaluation,
        schedule=every_second,
        parameters=[sql.AlertStatementParameter(name="but", value="acid")],
    )
)
seen["made"] = [made.display_name, made.query_text, made.owner_user_name, made.lifecycle_state.value]


def until(state: sql.AlertEvaluationState) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = w.alerts_v2.get_alert(made.id)
        if found.evaluation.state is state:
            return found.evaluation.state.value
        time.sleep(0.2)
    return f"still {found.evaluation.state}"


seen["first"] = until(sql.AlertEvaluationState.TRIGGERED)
calm = sql.AlertV2Operand(value=sql.AlertV2OperandValue(double_value=9.0))
made.evaluation.threshold = calm
w.alerts_v2.update_alert(made.id, made, "evaluation.threshold")
seen["then"] = until(sql.AlertEvaluationState.OK)
seen["listed"] = [each.id == made.id for each in w.alerts_v2.list_alerts(page_size=1)]
w.alerts_v2.trash_alert(made.id)
seen["after"] = [each.id for each in w.alerts_v2.list_alerts()]
seen["trashed"] = w.alerts_v2.get_alert(made.id).lifecycle_state.value


def refusal(query: str, address: str = "watcher@example.com") -> str:
    evaluation.notification.subscriptions[1].user_email = address
    alert = sql.AlertV2("x", query, "none", evaluation, every_second)
    try:
        w.alerts_v2.create_alert(alert)
    except DatabricksError as error:
        return type(error).__name__
    return "taken"


seen["refused"] = [
    refusal("DROP TABLE main.watched.drift"),
    refusal("SELECT content AS psi FROM read_text('/etc/passwd')"),
    refusal("SELECT psi FROM main.watched.none"),
    refusal("SELECT psi FROM main.watched.drift", "stranger@example.org"),
]
print(json.dumps(seen))
