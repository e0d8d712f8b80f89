//! A view that is one page.

use super::cursor::Cursor;
use super::page::Page;
use super::{Kind, Link, Scene, Traced, View};
use insight_model::{Edge, Model};
use insight_protocol::ProblemId;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;

/// The content of a view that is one page.
pub trait Subject {
    /// As [`View::kind`].
    fn kind(&self) -> &'static Kind;

    /// As [`View::name`].
    fn name(&self, scene: &Scene) -> String;

    /// Fills its page.
    fn fill(&self, scene: &Scene, page: &mut Page);

    /// As [`View::traced`].
    fn traced(&self, scene: &Scene) -> Traced;

    /// As [`View::waits`].
    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge>;

    /// As [`View::more_docs`].
    fn more_docs(&self, model: &Model) -> Vec<String>;
}

/// A view that is one page: a subject, and the cursor in its page.
pub struct PageView<S> {
    subject: S,
    cursor: Cursor,
    /// The width of the last frame, in columns.
    width: usize,
}

impl<S: Subject + 'static> PageView<S> {
    /// The view of a subject, with the cursor at the first entry of its page.
    pub fn open(subject: S) -> Box<dyn View> {
        Box::new(PageView { subject, cursor: Cursor::default(), width: 80 })
    }
}

impl<S: Subject> PageView<S> {
    fn page(&self, scene: &Scene) -> Page {
        let mut page = Page::new(scene.theme, self.width);
        self.subject.fill(scene, &mut page);
        page
    }
}

impl<S: Subject> View for PageView<S> {
    fn kind(&self) -> &'static Kind {
        self.subject.kind()
    }

    fn name(&self, scene: &Scene) -> String {
        self.subject.name(scene)
    }

    fn refresh(&mut self, _: &Scene) {
        // A page is made for each frame.
    }

    fn forget(&mut self) {
        self.cursor = Cursor::default();
    }

    fn on_key(&mut self, key: KeyCode, scene: &Scene) {
        let page = self.page(scene);
        self.cursor.on_key(key, &page);
    }

    fn draw(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) -> Rect {
        self.width = area.width.into();
        let page = self.page(scene);
        self.cursor.draw(&page, area, buffer);
        area
    }

    fn link(&self, scene: &Scene) -> Option<Link> {
        self.cursor.entry(&self.page(scene)).and_then(|entry| entry.link)
    }

    fn problem(&self, scene: &Scene) -> Option<ProblemId> {
        self.cursor.entry(&self.page(scene)).and_then(|entry| entry.problem)
    }

    fn traced(&self, scene: &Scene) -> Traced {
        self.subject.traced(scene)
    }

    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge> {
        self.subject.waits(model)
    }

    fn more_docs(&self, model: &Model) -> Vec<String> {
        self.subject.more_docs(model)
    }
}
