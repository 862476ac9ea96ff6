"""All clusters at a glance: what is up, what has failed, where to look next."""

from grafana_foundation_sdk.builders import dashboard as board

from common import (MODES, REACH, TO_CONNECTOR, TO_WATCHDOG, UP, dashboard, encoded, linked, panel,
                    worded)

FAILED = "kafka_connect_task_failure or kafka_connect_connector_failure"


def build():
    made = dashboard("connect-warden-fleet", "Kafka Connect / Fleet",
                     "All Kafka Connect clusters that connect-warden watches.")
    count = lambda text: f"count({text}) or vector(0)"
    small = {"width": 4, "height": 4}
    made = (
        made.with_row(board.Row("Now"))
        .with_panel(panel(
            "stat", "Clusters that cannot be read", "Of how many clusters is nothing known now?", "none",
            (count("max by (job, connect_cluster) (kafka_connect_up) == 0"), "clusters"), red_from=1, **small))
        .with_panel(panel(
            "stat", "Clusters without Kafka", "Behind how many clusters is Kafka gone, so that their states are old?", "none",
            (count("max by (job, connect_cluster) (kafka_connect_status_fresh) == 0"), "clusters"), red_from=1, **small))
        .with_panel(panel(
            "stat", "Workers down", "How many workers do not answer?", "none",
            (count("max by (job, connect_cluster, worker_id) (kafka_connect_worker_up) == 0"), "workers"), red_from=1, **small))
        .with_panel(panel(
            "stat", "Connectors in trouble", "How many connectors have something FAILED?", "none",
            (count(f"count by (job, connect_cluster, connector) ({FAILED})"), "connectors"), red_from=1, **small))
        .with_panel(panel(
            "stat", "Failed tasks", "How many tasks are FAILED?", "none",
            ('sum(max by (job, connect_cluster) (kafka_connect_tasks{state="failed"}))', "tasks"), red_from=1, **small))
        .with_panel(panel(
            "stat", "Left to a person", "How many units were parked or given up by the watchdog?", "none",
            (count('max by (job, connect_cluster, connector, task) (connect_warden_unit_phase{phase=~"given_up|parked"})'), "units"), red_from=1, **small))
    )
    clusters = panel(
        "table", "Clusters", "How is each cluster?", "none",
        ("max by (connect_cluster) (kafka_connect_up) + max by (connect_cluster) (kafka_connect_status_fresh)", ""),
        ("sum by (connect_cluster) (max by (connect_cluster, state) (kafka_connect_connectors))", ""),
        ('max by (connect_cluster) (kafka_connect_tasks{state="running"})', ""),
        ('max by (connect_cluster) (kafka_connect_tasks{state="failed"})', ""),
        ('sum by (connect_cluster) (max by (connect_cluster, worker_id) (kafka_connect_worker_up))', ""),
        (encoded("connect_warden_mode", "mode", MODES, "connect_cluster"), ""),
        width=24,
        names={"connect_cluster": "Cluster", "Value #A": "Reach", "Value #B": "Connectors",
               "Value #C": "Tasks running", "Value #D": "Tasks failed", "Value #E": "Workers up",
               "Value #F": "Watchdog"})
    clusters = linked(worded(worded(clusters, "Reach", REACH), "Watchdog", MODES),
                      "Cluster", "Watchdog of this cluster", TO_WATCHDOG)
    failed = panel(
        "table", "What has failed", "Which task of which connector is FAILED, and of what?", "none",
        (f"max by (connect_cluster, connector, task, failure_class, exception) ({FAILED})", ""),
        width=24, hide=("Value",),
        names={"connect_cluster": "Cluster", "connector": "Connector", "task": "Task",
               "failure_class": "Class", "exception": "Exception"})
    failed = linked(failed, "Connector", "This connector", TO_CONNECTOR)
    versions = panel(
        "table", "Versions of workers", "Which version does each worker run?", "none",
        ("max by (connect_cluster, worker_id, version) (kafka_connect_worker_info)", ""),
        hide=("Value",),
        names={"connect_cluster": "Cluster", "worker_id": "Worker", "version": "Version"})
    return (
        made.with_panel(clusters).with_panel(failed)
        .with_row(board.Row("Over time"))
        .with_panel(panel(
            "states", "Reach of clusters", "When could a cluster not be read, or was its Kafka gone?", "none",
            ("max by (connect_cluster) (kafka_connect_up) + max by (connect_cluster) (kafka_connect_status_fresh)", "{{connect_cluster}}"),
            words=REACH))
        .with_panel(panel(
            "states", "Workers", "When did which worker not answer?", "none",
            ("max by (connect_cluster, worker_id) (kafka_connect_worker_up)", "{{connect_cluster}} {{worker_id}}"),
            words=UP))
        .with_panel(panel(
            "stack", "Tasks by state", "How many tasks are in which state?", "short",
            ("sum by (state) (max by (job, connect_cluster, state) (kafka_connect_tasks))", "{{state}}")))
        .with_panel(panel(
            "lines", "Failed tasks by cluster", "In which cluster do tasks fail?", "short",
            ('max by (connect_cluster) (kafka_connect_tasks{state="failed"})', "{{connect_cluster}}")))
        .with_panel(panel(
            "stack", "Failures by class", "What kind of trouble is it?", "short",
            (f"count by (failure_class) (max by (job, connect_cluster, connector, task, failure_class) ({FAILED}))", "{{failure_class}}")))
        .with_panel(versions)
    )
