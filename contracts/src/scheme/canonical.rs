//! The canonical form of a scanned code, and the parts of a URL: what stands before any scheme.
//!
//! A scanned text is the attacker's. Nothing here follows, resolves or fetches it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// The canonical form: without byte order marks and zero-width characters, NFKC, trimmed; the scheme
/// and the host of a URL in lower case. Two texts of one form are one code.
///
/// ```
/// use contracts::scheme::canonical;
///
/// assert_eq!(canonical("\u{feff}ＢＪ11\u{200b}01 "), "BJ1101");
/// assert_eq!(canonical("HTTPS://Demo.Invalid/bj?c=BJ%31"), "https://demo.invalid/bj?c=BJ%31");
/// ```
pub fn canonical(raw: &str) -> String {
    // ASCII is its own NFKC, and nearly every code is ASCII.
    let text = if raw.is_ascii() {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(raw.chars().filter(|c| !is_invisible(*c)).nfkc().collect::<String>())
    };
    let text = text.trim();
    match Url::split(text) {
        Some(url) => {
            let (scheme, host) = (url.scheme.to_lowercase(), url.host.to_lowercase());
            format!("{scheme}://{host}{}", url.rest)
        }
        None => text.to_owned(),
    }
}

/// Characters that a scanner or a copied text adds and nobody sees.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// A web address in its parts.
pub(super) struct Url<'a> {
    scheme: &'a str,
    pub(super) host: &'a str,
    rest: &'a str,
}

impl<'a> Url<'a> {
    /// The parts of an `http` or `https` address; `None` for any other text.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let (scheme, behind) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (host, rest) = behind.split_at(end);
        Some(Self { scheme, host, rest })
    }

    /// The path, without query and fragment.
    pub(super) fn path(&self) -> &'a str {
        let end = self.rest.find(['?', '#']).unwrap_or(self.rest.len());
        self.rest.split_at(end).0
    }

    /// The value of a query parameter, percent-decoded once; `None` where it is absent, stands twice
    /// or does not decode to UTF-8.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.rest.split_once('?')?;
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let mut values = query.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        });
        let value = values.next()?;
        if values.next().is_some() { None } else { percent_decoded(value) }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
