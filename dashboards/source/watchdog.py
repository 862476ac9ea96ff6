"""connect-warden itself: whether it acts, what it decides, what comes of it, what it costs."""

from grafana_foundation_sdk.builders import dashboard as board

from common import BREAKERS, MODES, UP, YES_IS_BAD, dashboard, encoded, panel


def build():
    made = dashboard("connect-warden-watchdog", "Kafka Connect / Watchdog",
                     "What connect-warden decides and does, and how it is itself.")
    of = "{{connect_cluster}}"
    small = {"width": 6, "height": 4}
    quantile = lambda q, name: (
        f"histogram_quantile({q}, sum by (le) (rate({name}_bucket[$__rate_interval])))")
    return (
        made.with_row(board.Row("Whether it acts"))
        .with_panel(panel(
            "stat", "Mode", "Does the watchdog act in each cluster?", "none",
            (encoded("connect_warden_mode", "mode", MODES, "connect_cluster"), of), words=MODES, **small))
        .with_panel(panel(
            "stat", "Kill switch", "Did somebody tell it to restart nothing?", "none",
            ("max(connect_warden_kill_switch)", "stopped"), words=YES_IS_BAD, **small))
        .with_panel(panel(
            "stat", "Journal", "Can the journal not be used, so that nothing is restarted?", "none",
            ("max by (connect_cluster) (connect_warden_journal_lost)", of), words=YES_IS_BAD, **small))
        .with_panel(panel(
            "stat", "Left to others", "How many connectors does somebody else restart?", "none",
            ("count(max by (connect_cluster, connector) (connect_warden_stood_down)) or vector(0)", "connectors"), red_from=1, **small))
        .with_panel(panel(
            "states", "Holds", "When was nothing restarted in a whole cluster, and why?", "none",
            ("max by (connect_cluster, reason) (connect_warden_hold) == 1", of + " {{reason}}"),
            words=[(1, "held", "orange")]))
        .with_panel(panel(
            "states", "Breakers", "When did many fail of one cause?", "none",
            (encoded("connect_warden_breaker_state", "state", BREAKERS, "connect_cluster"), of), words=BREAKERS))
        .with_row(board.Row("What it decides"))
        .with_panel(panel(
            "stack", "Units by phase", "At which step is it with what has failed?", "short",
            ("count by (phase) (max by (connect_cluster, connector, task, phase) (connect_warden_unit_phase))", "{{phase}}")))
        .with_panel(panel(
            "lines", "Why it waits", "Why are FAILED units not restarted at this poll?", "cps",
            ("sum by (reason) (rate(connect_warden_restarts_skipped_total[$__rate_interval])) > 0", "{{reason}}")))
        .with_panel(panel(
            "bars", "Restarts", "How many restarts are sent, or only said in dry-run?", "short",
            ("sum by (connect_cluster) (increase(connect_warden_restart_attempts_total[$__rate_interval]))", of),
            ("sum by (connect_cluster) (increase(connect_warden_restarts_would_be_sent_total[$__rate_interval]))", "dry-run: " + of)))
        .with_panel(panel(
            "bars", "Outcomes", "Do restarts help?", "short",
            ("sum by (outcome) (increase(connect_warden_restart_outcomes_total[$__rate_interval]))", "{{outcome}}")))
        .with_panel(panel(
            "lines", "Budget", "How many restarts may each cluster have now?", "short",
            ("min by (connect_cluster) (connect_warden_budget_remaining)", of)))
        .with_panel(panel(
            "lines", "Time to recovery", "How long does it take from the first FAILED until it is verified that it runs?", "s",
            (quantile(0.5, "connect_warden_recovery_seconds"), "half within"),
            (quantile(0.9, "connect_warden_recovery_seconds"), "nine of ten within")))
        .with_panel(panel(
            "states", "Dependencies", "Which dependency does the probe not reach (only with probe: in the configuration)?", "none",
            ("max by (target) (connect_warden_probe_reachable)", "{{target}}"), words=UP, width=24, height=6))
        .with_row(board.Row("How it polls"))
        .with_panel(panel(
            "lines", "Polls that failed", "Which part of the polls gave no valid answer, and why?", "percentunit",
            ("sum by (connect_cluster, reason) (rate(connect_warden_poll_failures_total[$__rate_interval])) / on (connect_cluster) group_left sum by (connect_cluster) (rate(connect_warden_polls_total[$__rate_interval]))", of + " {{reason}}")))
        .with_panel(panel(
            "lines", "Duration of polls", "How long do polls take?", "s",
            ("histogram_quantile(0.99, sum by (connect_cluster, le) (rate(connect_warden_poll_duration_seconds_bucket[$__rate_interval])))", of + " 99 %"),
            ("sum by (connect_cluster) (rate(connect_warden_poll_duration_seconds_sum[$__rate_interval])) / sum by (connect_cluster) (rate(connect_warden_poll_duration_seconds_count[$__rate_interval]))", of + " mean")))
        .with_panel(panel(
            "lines", "Age of what is told", "How long ago was the last valid poll?", "s",
            ("time() - max by (connect_cluster) (kafka_connect_last_poll_success_timestamp_seconds)", of)))
        .with_panel(panel(
            "lines", "Polls not begun", "How many polls were left out since the one before was still under way?", "cps",
            ("sum by (connect_cluster) (rate(connect_warden_polls_skipped_total[$__rate_interval]))", of)))
        .with_row(board.Row("What it costs"))
        .with_panel(panel(
            "lines", "Processor", "How many cores does each instance use?", "none",
            ("sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{instance}}")))
        .with_panel(panel(
            "lines", "Memory", "How much memory does each instance have?", "bytes",
            ("sum by (instance) (process_resident_memory_bytes)", "{{instance}}")))
        .with_panel(panel(
            "lines", "Open files", "How many descriptors has each instance open?", "short",
            ("sum by (instance) (process_open_fds)", "{{instance}}"), width=8))
        .with_panel(panel(
            "lines", "Failed writes", "Could the journal or the audit log not be written?", "cps",
            ("sum by (instance) (rate(connect_warden_journal_failures_total[$__rate_interval]))", "journal {{instance}}"),
            ("sum by (instance) (rate(connect_warden_audit_failures_total[$__rate_interval]))", "audit log {{instance}}"), width=8))
        .with_panel(panel(
            "table", "Instances", "Which version runs where?", "none",
            ("max by (job, instance, version) (connect_warden_build_info)", ""), width=8,
            hide=("Value",), names={"job": "Job", "instance": "Instance", "version": "Version"}))
    )
