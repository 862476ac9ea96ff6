"""One connector, or some: what its tasks were in, why they failed, what was done about it."""

from grafana_foundation_sdk.builders import dashboard as board

from common import PHASES, STATES, dashboard, encoded, panel

FAILED = "kafka_connect_task_failure or kafka_connect_connector_failure"
UNIT = "{{connect_cluster}} {{connector}} {{task}}"
TASK = "connect_cluster, connector, task"


def build():
    made = dashboard("connect-warden-connector", "Kafka Connect / Connector",
                     "What a connector and its tasks were in, why, and what was done.", connector=True)
    show = lambda *args, **more: panel(*args, connector=True, **more)
    small = {"width": 6, "height": 4}
    return (
        made.with_row(board.Row("Now"))
        .with_panel(show(
            "stat", "Connector", "What is the connector's own instance in?", "none",
            (encoded("kafka_connect_connector_state", "state", STATES, "connect_cluster, connector"), "{{connector}}"),
            words=STATES, **small))
        .with_panel(show(
            "stat", "Tasks running", "How many tasks run, of how many that are configured?", "none",
            ('count(max by (connect_cluster, connector, task) (kafka_connect_task_state{state="running"} == 1)) or vector(0)', "running"),
            ("sum(max by (connect_cluster, connector) (kafka_connect_connector_tasks_expected))", "configured"), **small))
        .with_panel(show(
            "stat", "Last change", "When did a task change its state last?", "dateTimeFromNow",
            ("1000 * max(kafka_connect_task_last_state_change_timestamp_seconds)", "change"), **small))
        .with_panel(show(
            "stat", "Next attempt", "When is the next restart due, if something waits for one?", "dateTimeFromNow",
            ("1000 * min(connect_warden_next_attempt_timestamp_seconds)", "attempt"), **small))
        .with_row(board.Row("States"))
        .with_panel(show(
            "states", "Tasks", "When was each task in which state?", "none",
            (encoded("kafka_connect_task_state", "state", STATES, TASK), UNIT),
            words=STATES, width=24, height=10))
        .with_panel(show(
            "states", "Connector's own instance", "When was the connector itself in which state?", "none",
            (encoded("kafka_connect_connector_state", "state", STATES, "connect_cluster, connector"), "{{connect_cluster}} {{connector}}"),
            words=STATES))
        .with_panel(show(
            "states", "Watchdog", "When was the watchdog at which step with each unit?", "none",
            (encoded("connect_warden_unit_phase", "phase", PHASES, TASK), UNIT), words=PHASES))
        .with_panel(show(
            "bars", "Changes of state", "How often did each task change its state?", "short",
            (f"max by ({TASK}) (increase(kafka_connect_task_state_changes_total[$__rate_interval]))", UNIT)))
        .with_panel(show(
            "table", "Where the tasks are", "On which worker is each task, and in what state?", "none",
            (f"max by ({TASK}, worker_id, state) (kafka_connect_task_state == 1)", ""),
            hide=("Value",), names={"connect_cluster": "Cluster", "connector": "Connector", "task": "Task",
                                    "worker_id": "Worker", "state": "State"}))
        .with_row(board.Row("Failures and restarts"))
        .with_panel(show(
            "stack", "Failures by class", "What kind of failure do its tasks have?", "short",
            (f"count by (failure_class, exception) (max by ({TASK}, failure_class, exception) ({FAILED}))", "{{failure_class}} {{exception}}")))
        .with_panel(show(
            "table", "Kept from restarts", "What keeps which unit from being restarted now?", "none",
            (f"max by ({TASK}, reason) (connect_warden_unit_held)", ""),
            hide=("Value",), names={"connect_cluster": "Cluster", "connector": "Connector", "task": "Task",
                                    "reason": "Reason"}))
        .with_panel(show(
            "bars", "Restarts", "What was restarted, or only said to be, and for which kind of failure?", "short",
            ("sum by (scope, failure_class) (increase(connect_warden_restart_attempts_total[$__rate_interval]))", "{{scope}} {{failure_class}}"),
            ("sum by (scope, failure_class) (increase(connect_warden_restarts_would_be_sent_total[$__rate_interval]))", "dry-run: {{scope}} {{failure_class}}")))
        .with_panel(show(
            "bars", "Outcomes", "What became of the restarts?", "short",
            ("sum by (outcome) (increase(connect_warden_restart_outcomes_total[$__rate_interval]))", "{{outcome}}")))
        .with_row(board.Row("What states do not show"))
        .with_panel(show(
            "table", "Misfits", "Which tasks are on a dead worker, in no configuration, or were never started?", "none",
            (f'label_replace(max by ({TASK}) (kafka_connect_task_orphaned), "what", "on a dead worker", "", "") or '
             f'label_replace(max by ({TASK}) (kafka_connect_task_zombie), "what", "in no configuration", "", "") or '
             'label_replace(max by (connect_cluster, connector) (kafka_connect_connector_tasks_missing), "what", "tasks never started", "", "") or '
             'label_replace(max by (connect_cluster, connector) (kafka_connect_connector_without_tasks), "what", "no task at all", "", "") or '
             'label_replace(max by (connect_cluster, connector) (kafka_connect_connector_without_status), "what", "no status", "", "")', ""),
            names={"connect_cluster": "Cluster", "connector": "Connector", "task": "Task", "what": "What",
                   "Value": "How many"}))
        .with_panel(show(
            "lines", "Standing still", "For how long have its offsets not moved (only with progress: in the configuration)?", "s",
            ("time() - max by (connect_cluster, connector) (kafka_connect_connector_last_progress_timestamp_seconds)", "{{connect_cluster}} {{connector}}")))
    )
