"""What the dashboards share: variables, links, annotations, and panels written as data.

Every query picks by $job, $instance and $cluster, folds replicas of connect-warden into one, and
gives the same with metrics.state-series=full and current.
"""

import re

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import dashboard as parts
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
PICK = 'job=~"$job", instance=~"$instance"'
METRIC = re.compile(r"\b((?:kafka_connect|connect_warden|process)_[a-z_]+)(\{[^}]*\})?(?![a-z_({])")
OF_PROCESS = ("process_", "connect_warden_build_info", "connect_warden_kill_switch",
              "connect_warden_audit_", "connect_warden_probe", "connect_warden_config_")

GREEN, BLUE, GREY, PURPLE, YELLOW, ORANGE, RED = (
    "green", "blue", "#808080", "purple", "yellow", "orange", "red")


def query(text, connector=False):
    """Writes the matchers that every selector has into a query that has only its own."""

    def pick(match):
        name, own = match[1], (match[2] or "{}")[1:-1]
        matchers = [PICK]
        if not name.startswith(OF_PROCESS):
            matchers.append('connect_cluster=~"$cluster"')
            if connector and not name.startswith(CLUSTER_ONLY):
                matchers.append('connector=~"$connector"')
        return f"{name}{{{', '.join(matchers + ([own] if own else []))}}}"

    return METRIC.sub(pick, " ".join(text.split()))


CLUSTER_ONLY = ("kafka_connect_up", "kafka_connect_status", "kafka_connect_worker",
                "connect_warden_mode", "connect_warden_hold")


def encoded(metric, label, words, by):
    """One number for a set of series of which one is 1, also where only that one is written."""
    each = " or ".join(
        f'{number} * ({metric}{{{label}="{word}"}} == 1)' for number, word, _ in words)
    return f"max by ({by}) ({each})"


def mapped(words):
    """What the numbers of `encoded` are called and which colour they have."""
    return [parts.ValueMap(options={
        str(number): parts.ValueMappingResult(text=word, color=color, index=at)
        for at, (number, word, color) in enumerate(words)})]


# The more it matters the higher, so that the highest wins where replicas differ for a moment.
STATES = [(1, "running", GREEN), (2, "paused", BLUE), (3, "stopped", GREY), (4, "unknown", PURPLE),
          (5, "restarting", YELLOW), (6, "unassigned", ORANGE), (7, "failed", RED)]
PHASES = [(1, "observing", YELLOW), (2, "backing_off", YELLOW), (3, "canary", BLUE),
          (4, "verifying", BLUE), (5, "stuck", ORANGE), (6, "parked", ORANGE), (7, "given_up", RED)]
MODES = [(0, "off", GREY), (1, "dry-run", BLUE), (2, "on", GREEN)]
BREAKERS = [(0, "closed", GREEN), (1, "cautious", YELLOW), (2, "releasing", BLUE), (3, "open", RED)]
REACH = [(0, "unreachable", RED), (1, "not fresh", ORANGE), (2, "fresh", GREEN)]
UP = [(0, "down", RED), (1, "up", GREEN)]
YES_IS_BAD = [(0, "no", GREEN), (1, "yes", RED)]

KINDS = {"stat": stat.Panel, "table": table.Panel, "lines": timeseries.Panel,
         "stack": timeseries.Panel, "bars": timeseries.Panel, "states": statetimeline.Panel}


def panel(kind, title, description, unit, *queries, width=12, height=8, words=None, red_from=None,
          hide=(), names=None, links=(), connector=False):
    """A panel. Each query is a pair of PromQL and legend; the columns of a table have its names."""
    made = (KINDS[kind]().title(title).description(description).datasource(SOURCE).unit(unit)
            .span(width).height(height))
    for at, (text, legend) in enumerate(queries):
        target = (prometheus.Dataquery().expr(query(text, connector)).legend_format(legend)
                  .ref_id(chr(ord("A") + at)).datasource(SOURCE))
        if kind == "table":
            target = target.instant().format(PromQueryFormat.TABLE)
        elif kind == "stat":
            target = target.instant()
        made = made.with_target(target)
    if words:
        made = made.mappings(mapped(words))
    if kind == "stack":
        stacking = common.StackingConfig().mode(models.StackingMode.NORMAL)
        made = made.fill_opacity(30).stacking(stacking)
    if kind == "bars":
        made = made.draw_style(models.GraphDrawStyle.BARS).fill_opacity(80)
    if kind == "states":
        made = made.show_value(models.VisibilityMode.NEVER).merge_values(True).row_height(0.85)
    if kind == "stat":
        made = made.graph_mode(models.BigValueGraphMode.NONE)
        if red_from is not None:
            made = made.color_mode(models.BigValueColorMode.BACKGROUND).thresholds(steps(red_from))
    if kind == "table":
        made = as_table(made, len(queries), hide, names or {})
    for title, url in links:
        made = made.data_links([parts.DashboardLink(
            title=title, type_val=parts.DashboardLinkType.LINK, url=url)])
    return made


def steps(red_from):
    return board.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps([
        parts.Threshold(value=None, color=GREEN), parts.Threshold(value=red_from, color=RED)])


def as_table(made, queries, hide, names):
    """Queries side by side, a row for each set of labels."""
    if queries > 1:
        made = made.with_transformation(parts.DataTransformerConfig(id_val="merge", options={}))
    excluded = {name: True for name in ("Time", *hide)}
    return made.with_transformation(parts.DataTransformerConfig(
        id_val="organize", options={"excludeByName": excluded, "renameByName": names}))


def linked(made, column, title, url):
    """Cells of a column lead further down."""
    return made.override_by_name(column, [DynamicConfigValue(
        id_val="links", value=[{"title": title, "url": url}])])


def worded(made, column, words):
    """Cells of a column are words."""
    mappings = [{"type": "value", "options": {
        str(n): {"text": word, "color": color, "index": at}
        for at, (n, word, color) in enumerate(words)}}]
    return made.override_by_name(column, [
        DynamicConfigValue(id_val="mappings", value=mappings),
        DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})])


def variable(name, label, text, all_of_them=True):
    """A variable of many values from a query."""
    made = (board.QueryVariable(name).label(label).query(text).datasource(SOURCE).multi(True)
            .refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(parts.VariableSort.ALPHABETICAL_ASC))
    if all_of_them:
        made = (made.include_all(True).all_value(".+")
                .current(parts.VariableOption(text="All", value="$__all")))
    return made


def annotation(name, color, text, title):
    """Marks on every panel with time."""
    return (board.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color)
            .expr(text).step("60s").title_format(title))


def dashboard(uid, title, description, connector=False):
    """An empty dashboard with all that the three share."""
    made = (
        board.Dashboard(title).uid(uid).description(description).tags(["kafka-connect"])
        .readonly().timezone("browser").time("now-6h", "now").refresh("1m")
        .tooltip(parts.DashboardCursorSync.CROSSHAIR)
        .link(board.DashboardLink("Kafka Connect").type(parts.DashboardLinkType.DASHBOARDS)
              .tags(["kafka-connect"]).include_vars(True).keep_time(True).as_dropdown(False))
        .link(board.DashboardLink("Status page").type(parts.DashboardLinkType.LINK).url("${page}")
              .target_blank(True).tooltip("The page of connect-warden: set its address above"))
        .with_variable(board.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(variable("job", "Job", "label_values(connect_warden_build_info, job)"))
        .with_variable(variable(
            "instance", "Instance", 'label_values(connect_warden_build_info{job=~"$job"}, instance)'))
        .with_variable(variable(
            "cluster", "Cluster",
            f"label_values(kafka_connect_up{{{PICK}}}, connect_cluster)"))
    )
    if connector:
        made = made.with_variable(variable(
            "connector", "Connector",
            f'label_values(kafka_connect_connector_info{{{PICK}, connect_cluster=~"$cluster"}}, connector)',
            all_of_them=False))
    restarts = query(
        "sum by (connect_cluster, connector)"
        " (increase(connect_warden_restart_attempts_total[2m])) > 0", connector)
    starts = query("changes(process_start_time_seconds[5m]) > 0")
    reloads = query("changes(connect_warden_config_last_reload_success_timestamp_seconds[2m]) > 0")
    return (
        made.with_variable(board.TextBoxVariable("page").label("Page").default_value("http://localhost:9783"))
        .annotation(annotation("Restarts", BLUE, restarts, "restart of {{connector}} in {{connect_cluster}}"))
        .annotation(annotation("Configuration reloads", PURPLE, reloads, "configuration reloaded by {{instance}}"))
        .annotation(annotation("Starts of connect-warden", GREY, starts, "{{instance}} was started"))
    )


TO_CONNECTOR = ("/d/connect-warden-connector?${__url_time_range}&var-datasource=${datasource}"
                "&var-job=${job}&var-instance=${instance}&var-page=${page}"
                "&var-cluster=${__data.fields.Cluster}&var-connector=${__data.fields.Connector}")
TO_WATCHDOG = ("/d/connect-warden-watchdog?${__url_time_range}&var-datasource=${datasource}"
               "&var-job=${job}&var-instance=${instance}&var-page=${page}"
               "&var-cluster=${__data.fields.Cluster}")
TO_PAGE = "${page}"
