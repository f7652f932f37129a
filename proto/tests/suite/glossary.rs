//! The front page and the code agree: the words of the glossary, the tags.

use proto::glossary::Term;

const README: &str = include_str!("../../README.md");

/// The rows of the table under the heading "Glossary", as cells; a term that is
/// code stands in back quotes.
fn rows() -> Vec<Vec<&'static str>> {
    let (_, section) = README.split_once("\n## Glossary\n").expect("the front page has a glossary");
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
        })
        .collect()
}

#[test]
fn the_table_has_one_row_for_each_term_in_the_order_of_the_code() {
    let expected: Vec<Vec<&str>> = Term::ALL
        .iter()
        .map(|term| vec![term.name(), term.zh(), term.en(), term.meaning()])
        .collect();
    assert_eq!(rows(), expected, "expected table:\n{}", {
        let line = |row: &Vec<&str>| format!("| {} |\n", row.join(" | "));
        expected.iter().map(line).collect::<String>()
    });
}

#[test]
fn a_term_is_found_by_its_name_and_by_no_other() {
    for term in Term::ALL {
        assert_eq!(Term::from_name(term.name()), Some(*term));
        assert_eq!(Term::from_name(&format!("{} ", term.name())), None);
    }
}

#[test]
fn the_front_page_names_every_tag() {
    for tag in proto::hash::Tag::ALL {
        assert!(README.contains(&format!("`{}`", tag.text())), "{} is not explained", tag.text());
    }
}
