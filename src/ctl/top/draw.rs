//! Paints `top`.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};
use tokio::time::Instant;

use super::super::facts::word;
use super::super::show::Tone;
use super::model::{Model, Page};

/// The whole screen.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, now: Instant) {
    let [head, list, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(1), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(Paragraph::new(vec![title(model, now), counts(model)]), head);
    let rows = model.shown();
    let connectors = model.page == Page::Connectors;
    let names: &[&str] = if connectors {
        &["CONNECTOR", "STATE", "TASKS", "WORKER", "CAUSE"]
    } else {
        &["TASK", "STATE", "WORKER", "CAUSE"]
    };
    let lines = rows.iter().map(|row| {
        let state = Cell::new(row.state.as_str()).style(style(model, Tone::of(&row.state)));
        let mut cells = vec![Cell::new(row.name.as_str()), state];
        if connectors {
            cells.push(Cell::new(row.tasks.as_str()));
        }
        cells.push(Cell::new(row.worker.as_str()));
        cells.push(Cell::new(row.cause.as_str()).style(style(model, Tone::Bad)));
        Row::new(cells)
    });
    let longest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let name = u16::try_from(longest.clamp(9, 40)).unwrap_or(40);
    let mut widths = vec![Constraint::Length(name), Constraint::Length(10)];
    if connectors {
        widths.push(Constraint::Length(7));
    }
    widths.extend([Constraint::Length(22), Constraint::Fill(1)]);
    let table = Table::new(lines, widths)
        .header(Row::new(names.iter().copied()).style(Style::new().add_modifier(Modifier::BOLD)))
        .column_spacing(2)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected((!rows.is_empty()).then_some(model.selected));
    frame.render_stateful_widget(table, list, &mut state);
    frame.render_widget(Paragraph::new(keys(model)), foot);
}

fn style(model: &Model, tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        _ if model.plain => Style::new(),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Odd => Style::new().fg(Color::Yellow),
        Tone::Bad => Style::new().fg(Color::Red),
    }
}

fn title(model: &Model, now: Instant) -> Line<'_> {
    let age = match model.at {
        None => "not read yet".to_owned(),
        Some(at) => format!("read {} s ago", (now - at).as_secs()),
    };
    let mut spans = vec![
        Span::styled(model.place.as_str(), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {age}")),
    ];
    if let Some(error) = &model.error {
        spans.push(Span::styled(format!("  {error}"), style(model, Tone::Bad)));
    }
    spans.into()
}

fn counts(model: &Model) -> Line<'_> {
    let mut spans =
        vec![Span::raw(format!("{} connectors, {} tasks", model.connectors, model.tasks))];
    for (state, count) in &model.counts {
        let state = word(*state);
        spans.push(Span::styled(format!("  {count} {state}"), style(model, Tone::of(&state))));
    }
    spans.into()
}

fn keys(model: &Model) -> Line<'_> {
    if model.typing {
        return Line::raw(format!("filter: {}_  (Enter keeps it, Esc drops it)", model.filter));
    }
    let order = if model.reverse { ", reversed" } else { "" };
    let mut text = format!(
        "q quit  Tab tasks  / filter  f failed only  s sort: {}{order}  r reverse",
        model.sort.word()
    );
    if !model.filter.is_empty() {
        text.push_str(&format!("  filter: {}", model.filter));
    }
    if model.only_failed {
        text.push_str("  FAILED only");
    }
    Line::raw(text)
}

#[cfg(test)]
mod tests {
    use super::super::model::example;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn painted(model: &Model, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let now = model.at.unwrap();
        terminal.draw(|frame| draw(frame, model, now)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| line(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn the_screen() {
        let model = example();
        assert_eq!(
            painted(&model, 110, 7),
            [
                "http://h:1/  read 0 s ago",
                "3 connectors, 3 tasks  2 RUNNING  1 FAILED",
                "CONNECTOR  STATE       TASKS    WORKER                  CAUSE",
                "b          RUNNING     1/2      w1:1                    TRANSIENT: java.net.ConnectException: Connection refus",
                "a          PAUSED      0/0      w2:1",
                "c          RUNNING     1/1      w1:1",
                "q quit  Tab tasks  / filter  f failed only  s sort: worst first  r reverse",
            ]
        );
        // No size is too small.
        for (width, height) in [(1, 1), (10, 3), (300, 2)] {
            painted(&model, width, height);
        }
    }
}
