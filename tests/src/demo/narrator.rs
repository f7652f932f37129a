//! Tells the story: in one language, with the seconds of each chapter.

use std::fmt::Display;

use genesis::words::Language;
use tokio::time::Instant;

/// Characters of a program's line that are shown: a window of a usual width.
const LINE_CHARS_MAX: usize = 150;

/// Who tells.
#[derive(Debug)]
pub struct Narrator {
    language: Language,
    begun: Instant,
    chapter_begun: Option<Instant>,
    chapter: u32,
}

impl Narrator {
    /// A narrator in `language`, who begins now.
    pub fn new(language: Language) -> Self {
        Self { language, begun: Instant::now(), chapter_begun: None, chapter: 0 }
    }

    /// The language as an argument of the programs.
    pub const fn lang(&self) -> &'static str {
        match self.language {
            Language::Zh => "zh",
            Language::En => "en",
        }
    }

    /// One of two texts.
    pub const fn pick<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// Ends the chapter before with its seconds, and begins another.
    pub fn chapter(&mut self, zh: &str, en: &str) {
        self.end_chapter();
        self.chapter += 1;
        self.chapter_begun = Some(Instant::now());
        self.line(format!("\n{}. {}", self.chapter, self.pick(zh, en)));
    }

    fn end_chapter(&mut self) {
        if let Some(begun) = self.chapter_begun.take() {
            self.line(format!("   ({:.1} s)", begun.elapsed().as_secs_f32()));
        }
    }

    /// Says a sentence.
    pub fn say(&self, zh: impl Display, en: impl Display) {
        match self.language {
            Language::Zh => self.line(format!("   {zh}")),
            Language::En => self.line(format!("   {en}")),
        }
    }

    /// Shows what a program printed, at most `lines` of it, each as wide as a window.
    pub fn show(&self, text: &str, lines: usize) {
        for line in text.lines().take(lines) {
            let shown: String = line.chars().take(LINE_CHARS_MAX).collect();
            let more = if shown.len() < line.len() { "…" } else { "" };
            self.line(format!("   │ {shown}{more}"));
        }
        let more = text.lines().count().saturating_sub(lines);
        if more > 0 {
            self.line(format!("   │ …… (+{more})"));
        }
    }

    /// Ends the story.
    pub fn end(&mut self) {
        self.end_chapter();
        let seconds = self.begun.elapsed().as_secs_f32();
        let word = self.pick("演示成功，共", "the demo succeeded, seconds:");
        self.line(format!("\n{word} {seconds:.1} s"));
    }

    #[expect(clippy::print_stdout, reason = "the one place where the story is told")]
    #[expect(clippy::unused_self, reason = "who may print is who has the narrator")]
    fn line(&self, text: impl Display) {
        println!("{text}");
    }
}
