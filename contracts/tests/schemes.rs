#![cfg(test)]
//! The grammar of code schemes: what it reads, what it refuses, and how a code becomes a unit's key.

use contracts::identifier::Reason;
use contracts::scheme::{
    Clash, CodeReason, KeySource, Near, Scheme, SchemeError, canonical, demo, normalise,
};
use proptest::prelude::*;
use proto::AgencyIndex;

const BEIJING: &str = "BJ110108069012345678922103150042F";
const TIANJIN: &str = "1202022021100001234500100012376";
const HEBEI: &str = "HE91130181MA0F12343L0003172021031500007Y";

fn demos() -> Vec<Scheme> {
    demo::ALL.iter().map(|definition| Scheme::parse(definition).unwrap()).collect()
}

fn key(raw: &str, active: &[Scheme]) -> String {
    normalise(raw, AgencyIndex::new(2), active).text
}

#[test]
fn the_demo_schemes_pass_their_own_vectors_and_read_no_code_of_another() {
    let schemes = demos();
    for (at, scheme) in schemes.iter().enumerate() {
        for other in &schemes[at + 1..] {
            assert_eq!(scheme.clash(other), None, "{} and {}", scheme.id(), other.id());
        }
    }
    for (definition, expected) in demo::ALL.iter().zip([("ok", 3), ("bad", 5)]) {
        let (list, least) = expected;
        assert!(definition.matches(&format!("[[{list}]]")).count() >= least, "{list}");
    }
}

#[test]
fn a_code_becomes_the_key_of_its_unit_whatever_carries_it() {
    let active = demos();
    for (raw, expected) in [
        (BEIJING, "JJJ-DEMO-BJ:110108:06901234567892:210315:0042"),
        (TIANJIN, "JJJ-DEMO-TJ:020220211000012345:001:000123"),
        (HEBEI, "JJJ-DEMO-HE:91130181MA0F12343L:000317:20210315:00007"),
        (
            "https://demo.invalid/bj?c=BJ110108069012345678922103150042F",
            "JJJ-DEMO-BJ:110108:06901234567892:210315:0042",
        ),
        (
            "冀冷链：HE91130181MA0F12343L0003172021031500007Y",
            "JJJ-DEMO-HE:91130181MA0F12343L:000317:20210315:00007",
        ),
        ("urn:epc:id:sgtin:4012345.011122.25", "GS1:urn:epc:id:sgtin:4012345.011122.25"),
        (
            "https://ID.gs1.org/01/09521321000018/21/a",
            "GS1:https://id.gs1.org/01/09521321000018/21/a",
        ),
        ("urn:gdst:example.org:lot:1", "OPAQUE:2:urn:gdst:example.org:lot:1"),
        (" 批次-7 ", "OPAQUE:2:批次-7"),
        // Refused by the scheme, so kept as it stands.
        ("BJ110108069012345678922103150042G", "OPAQUE:2:BJ110108069012345678922103150042G"),
    ] {
        assert_eq!(key(raw, &active), expected, "{raw:?}");
    }
    assert_eq!(key(BEIJING, &[]), format!("OPAQUE:2:{BEIJING}"), "without schemes all is OPAQUE");
}

#[test]
fn a_code_that_has_a_schemes_form_but_is_wrong_says_so() {
    let active = demos();
    let near = |scheme: &str, reason| Some(Near { scheme: scheme.to_owned(), reason });
    for (raw, expected) in [
        ("BJ110108069012345678922103150042G", near("JJJ-DEMO-BJ", CodeReason::Part(Reason::Check))),
        ("1202022021100001234500100012377", near("JJJ-DEMO-TJ", CodeReason::Part(Reason::Check))),
        (
            "https://clone.example/bj?c=BJ110108069012345678922103150042F",
            near("JJJ-DEMO-BJ", CodeReason::Host),
        ),
        ("BJ1101080690123456789221031500", None),
        ("whatever", None),
    ] {
        let found = normalise(raw, AgencyIndex::new(0), &active);
        assert_eq!(found.source, KeySource::Opaque { near: expected }, "{raw:?}");
    }
}

#[test]
fn the_version_and_the_day_are_no_part_of_a_key() {
    let second = demo::BEIJING.replace("version = 1", "version = 2");
    let active = [Scheme::parse(demo::BEIJING).unwrap(), Scheme::parse(&second).unwrap()];
    assert_eq!(active[0].clash(&active[1]), None);
    let found = normalise(BEIJING, AgencyIndex::new(0), &active);
    let KeySource::Scheme(read) = found.source else { unreachable!("a scheme reads it") };
    assert_eq!((read.version(), read.part("gtin")), (2, Some("06901234567892")));
    // A date to come is held against the day of reading only.
    let future = "BJ1101080690123456789299123100429";
    assert!(active[0].read(future).is_ok());
    let error = active[0].read_on(future, 18_700).unwrap_err();
    assert_eq!(error.reason, CodeReason::Future);
}

#[test]
fn a_version_that_reads_a_vector_to_another_key_clashes_with_the_one_before() {
    let first = Scheme::parse(demo::BEIJING).unwrap();
    let identity = "identity = [\"region\", \"gtin\", \"day\", \"seq\"]";
    for (changed, key) in [
        ("identity = [\"region\", \"gtin\", \"day\"]", "110108:06901234567892:210315"),
        (
            "identity = [\"gtin\", \"region\", \"day\", \"seq\"]",
            "06901234567892:110108:210315:0042",
        ),
    ] {
        let second = demo::BEIJING.replace("version = 1", "version = 2").replace(identity, changed);
        let second = Scheme::parse(&second).unwrap();
        let both = [(&first, &second), (&second, &first)];
        let told = both.map(|(one, other)| one.clash(other).unwrap().to_string());
        let (before, now) = ("JJJ-DEMO-BJ:110108:06901234567892:210315:0042", "JJJ-DEMO-BJ");
        assert_eq!(
            told,
            [
                format!("{BEIJING} is {before} by version 1 and {now}:{key} by version 2"),
                format!("{BEIJING} is {now}:{key} by version 2 and {before} by version 1"),
            ]
        );
    }
}

#[test]
fn priority_decides_where_two_schemes_read_one_code() {
    let other = demo::BEIJING.replace("JJJ-DEMO-BJ", "JJJ-DEMO-BK");
    let high = other.replace("priority = 100", "priority = 200");
    let beijing = Scheme::parse(demo::BEIJING).unwrap();
    let (other, high) = (Scheme::parse(&other).unwrap(), Scheme::parse(&high).unwrap());
    let clash = Clash::BothRead { scheme: "JJJ-DEMO-BJ".to_owned(), code: BEIJING.to_owned() };
    assert_eq!(beijing.clash(&other), Some(clash));
    assert!(key(BEIJING, &[other, beijing.clone()]).starts_with("JJJ-DEMO-BJ:"), "by identifier");
    assert!(key(BEIJING, &[beijing, high]).starts_with("JJJ-DEMO-BK:"), "by priority");
}

#[test]
fn a_definition_that_breaks_a_rule_of_the_grammar_is_refused() {
    for (old, new, error) in [
        ("version = 1", "version = 0", "version: counts from 1"),
        ("id = \"JJJ-DEMO-BJ\"", "id = \"demo bj\"", "id: has 1 to 32 capitals"),
        ("id = \"JJJ-DEMO-BJ\"", "id = \"OPAQUE\"", "id: is not one of the built-in"),
        ("version = 1", "version = 1\ncolour = \"red\"", "not of the grammar"),
        ("granularity = \"lot\"", "granularity = \"heap\"", "granularity: is lot"),
        ("valid_from = \"2020-11-01\"", "valid_from = \"2020-11-31\"", "valid_from: is a date"),
        ("identity = [\"region\"", "identity = [\"nothing\"", "names a segment that is there"),
        ("identity = [\"region\"", "identity = [\"gtin\"", "names no segment twice"),
        ("path = \"/bj\"", "path = \"bj\"", "the path begins with /"),
        ("host = \"demo.invalid\"", "host = \"Demo.invalid\"", "the host is in small letters"),
        ("type = \"gtin14\"", "type = \"gtin14\"\nlen = 13", "its type has another length"),
        ("type = \"gtin14\"", "type = \"number\"", "the type is one of the grammar"),
        ("len = 4", "min = 1\nmax = 4\nlen = 4", "either len, or min and max"),
        ("len = 4", "min = 4\nmax = 1", "0 < min <= max"),
        ("len = 4", "len = 400", "at most 256 characters"),
        ("name = \"seq\"", "name = \"gtin\"", "no two have one name"),
        ("format = \"yyMMdd\"", "format = \"MMddyy\"", "format is yyMMdd"),
        ("alg = \"mod37_36\"", "alg = \"crc32\"", "is an algorithm of the grammar"),
        ("alg = \"mod37_36\"", "alg = \"mod97_10\"", "as long as the algorithm's check"),
        ("as = \"ck\"", "as = \"seq\"", "not their check"),
        ("segment = \"day\"", "segment = \"seq\"", "names a date"),
        ("reason = \"BAD_FUTURE\"", "reason = \"BAD_LUCK\"", "is a reason of the grammar"),
        ("value = \"BJ\"", "value = \"B:\"", "a value has no colon"),
        ("len = 4", "len = 4\nref = \"nobody\"", "ref is enterprise"),
    ] {
        let changed = demo::BEIJING.replacen(old, new, 1);
        assert_ne!(changed, demo::BEIJING, "{old:?} must stand in the definition");
        let found = Scheme::parse(&changed).map(drop).unwrap_err().to_string();
        assert!(found.contains(error), "{new:?}: {found}");
    }
}

#[test]
fn a_scheme_whose_vectors_do_not_come_out_is_not_active() {
    let wrong_check = demo::BEIJING.replacen("alg = \"mod37_36\"", "alg = \"mod11_10\"", 1);
    assert!(matches!(
        Scheme::parse(&wrong_check),
        Err(SchemeError::Vector { list: "ok", index: 0, .. })
    ));
    let wrong_field = demo::BEIJING.replacen("seq = \"0042\"", "seq = \"0043\"", 1);
    let error = Scheme::parse(&wrong_field).unwrap_err().to_string();
    assert_eq!(error, "vector ok[0] should give seq = 0043, gives seq = 0042");
    let wrong_reason =
        demo::BEIJING.replacen("reason = \"BAD_CHECK\"", "reason = \"BAD_LENGTH\"", 1);
    let error = Scheme::parse(&wrong_reason).unwrap_err().to_string();
    assert_eq!(error, "vector bad[0] should give BAD_LENGTH, gives BAD_CHECK");
    let accepted = demo::BEIJING.replacen(
        "[[bad]]",
        &format!("[[bad]]\ncode = \"{BEIJING}\"\nreason = \"BAD_CHECK\"\n[[bad]]"),
        1,
    );
    let error = Scheme::parse(&accepted).unwrap_err().to_string();
    assert!(error.contains("gives JJJ-DEMO-BJ:110108"), "{error}");
    let (head, _) = demo::BEIJING.split_once("[[ok]]").unwrap();
    assert!(matches!(
        Scheme::parse(head),
        Err(SchemeError::TooFewVectors { outcome: "read", found: 0, least: 3 })
    ));
    let (head, _) = demo::BEIJING.split_once("[[bad]]").unwrap();
    assert!(matches!(
        Scheme::parse(head),
        Err(SchemeError::TooFewVectors { outcome: "be refused", found: 0, least: 5 })
    ));
}

/// One segment of free length, a separator, and one more of free length at the end.
const VARIABLE: &str = r#"
id = "VAR-1"
version = 1
issuer = "test"
granularity = "piece"
valid_from = "2020-01-01"
identity = ["lot", "serial"]
today = "2021-01-01"
[[carrier]]
kind = "plain"
[[segment]]
name = "lot"
type = "opaque"
min = 1
max = 20
[[segment]]
name = "mark"
type = "const"
value = "//"
[[segment]]
name = "serial"
type = "alnum"
min = 2
max = 6
[[segment]]
name = "kind"
type = "enum"
values = ["A", "B"]
len = 1
[[segment]]
name = "name"
type = "enum"
values = ["AX", "BY"]
len = 2
[[constraint]]
kind = "lookup"
segment = "name"
of = "kind"
table = "names"
[table.names]
A = "AX"
B = "BY"
[[ok]]
code = "lot-7//12AAX"
fields = { lot = "lot-7", serial = "12", kind = "A" }
[[ok]]
code = "x//123456BBY"
[[ok]]
code = "批//AABBY"
[[bad]]
code = "lot-7//1AAX"
reason = "BAD_LENGTH"
[[bad]]
code = "lot-7//12ABY"
reason = "BAD_CONSTRAINT"
[[bad]]
code = "lot-7//12CAX"
reason = "BAD_VALUE"
[[bad]]
code = "lot-7/12AAX"
reason = "BAD_LENGTH"
[[bad]]
code = "a:b//12AAX"
reason = "BAD_CHAR"
"#;

#[test]
fn segments_of_free_length_end_at_their_separator_or_at_what_is_left() {
    let scheme = Scheme::parse(VARIABLE).unwrap();
    assert_eq!(scheme.read("Lot-7//12AAX").unwrap().key(), "VAR-1:Lot-7:12", "capitals are kept");
    let two_open = VARIABLE.replacen(
        "name = \"mark\"\ntype = \"const\"\nvalue = \"//\"",
        "name = \"mark\"\ntype = \"digits\"\nlen = 2",
        1,
    );
    let error = Scheme::parse(&two_open).unwrap_err().to_string();
    assert!(error.contains("without a separator"), "{error}");
}

#[test]
fn the_canonical_form_is_one_for_all_writings_of_a_code() {
    for (raw, expected) in [
        ("  BJ1 ", "BJ1"),
        ("\u{feff}BJ\u{200b}1\u{2060}", "BJ1"),
        ("ＢＪ１", "BJ1"),
        ("HTTPS://Demo.INVALID/Path?C=a%2Fb", "https://demo.invalid/Path?C=a%2Fb"),
        ("http://a", "http://a"),
        ("ftp://A/B", "ftp://A/B"),
        ("urn:EPC:Id", "urn:EPC:Id"),
    ] {
        assert_eq!(canonical(raw), expected, "{raw:?}");
    }
}

#[test]
fn a_code_whose_key_no_link_holds_is_not_read() {
    let bad =
        |last: u8| format!("[[bad]]\ncode = \"http://h/?c=Y{last}\"\nreason = \"BAD_PREFIX\"");
    let bad = [1, 2, 3, 4, 5].map(bad).join("\n");
    let definition = format!(
        r#"id = "LONG"
version = 1
issuer = "test"
granularity = "lot"
valid_from = "2021-01-01"
identity = ["rest"]
today = "2021-04-01"
[[carrier]]
kind = "url"
host = "h"
path = "/"
param = "c"
[[segment]]
name = "head"
type = "const"
value = "X"
[[segment]]
name = "rest"
type = "opaque"
min = 1
max = 255
[[ok]]
code = "http://h/?c=XA"
[[ok]]
code = "http://h/?c=XB"
[[ok]]
code = "http://h/?c=XC"
{bad}"#
    );
    let scheme = Scheme::parse(&definition).unwrap();
    // ㌖ is nine characters in an address and six of three bytes in the key.
    let code = |times: usize| format!("http://h/?c=X{}", "%E3%8C%96".repeat(times));
    let read = |times: usize| scheme.read(&code(times));
    assert_eq!(read(27).unwrap().key().len(), "LONG:".len() + 27 * 18);
    assert_eq!(canonical(&code(27)).len(), 256, "the code itself is short");
    let longer = Scheme::parse(&definition.replace("LONG", &"L".repeat(32))).unwrap();
    assert_eq!(longer.read(&code(27)).unwrap_err().reason, CodeReason::Part(Reason::Length));
    assert!(key(&code(27), &[longer]).starts_with("OPAQUE:2:http://h/"));
}

proptest! {
    /// Any text has a key, the same for its canonical form, and no reading panics.
    #[test]
    fn every_text_has_one_key(raw in "\\PC{0,300}") {
        let active = demos();
        let once = key(&raw, &active);
        prop_assert_eq!(&key(&canonical(&raw), &active), &once);
        prop_assert_eq!(canonical(&canonical(&raw)), canonical(&raw));
    }

    /// A single changed character of a code never gives another unit of the scheme.
    #[test]
    fn one_wrong_character_never_names_another_unit(at in 0usize..40, c in "[0-9A-Z]") {
        let active = demos();
        for code in [BEIJING, TIANJIN, HEBEI] {
            let mut changed: Vec<char> = code.chars().collect();
            let place = at % changed.len();
            changed[place] = c.chars().next().unwrap();
            let changed: String = changed.into_iter().collect();
            if changed != code {
                let found = key(&changed, &active);
                prop_assert!(found.starts_with("OPAQUE:"), "{} reads as {}", changed, found);
            }
        }
    }
}
