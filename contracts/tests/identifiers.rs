#![cfg(test)]
//! Vectors of every identifier: the right ones pass, each wrong one fails for its own reason.

use contracts::identifier::check::Weak;
use contracts::identifier::{
    Reason, calendar, check, customs, division, document, fold, licence, party, plate, resident,
    trade, uscc,
};

/// A row of a table: the text and the reason it is refused for, or none.
type Row = (&'static str, Option<Reason>);

fn check_table(name: &str, read: impl Fn(&str) -> Result<(), Reason>, rows: &[Row]) {
    for (text, refused) in rows {
        assert_eq!(read(text).err(), *refused, "{name} {text:?}");
    }
}

#[test]
fn a_unified_social_credit_code_has_class_division_organisation_and_check() {
    check_table(
        "uscc",
        |text| uscc::parse(text).map(drop),
        &[
            ("91350100M000100Y43", None),
            ("91110108MA00ABCD45", None),
            ("91120116MA05K7X26W", None),
            ("91130181MA0F12343L", None),
            ("92130102MA07Q1W95K", None),
            ("91130100MA00003490", None),
            ("91350100M000100Y4Z", Some(Reason::Char)),
            ("91350100M000100Y44", Some(Reason::Check)),
            ("91350100M000100Y34", Some(Reason::Check)),
            ("91350100M000100Y53", Some(Reason::Check)),
            ("91350100M000100Y4", Some(Reason::Length)),
            ("91350100M000100Y433", Some(Reason::Length)),
            ("", Some(Reason::Length)),
            ("91350100m000100y43", Some(Reason::Char)),
            ("9１350100M000100Y43", Some(Reason::Char)),
            ("B1350100M000100Y43", Some(Reason::Prefix)),
            ("98350100M000100Y43", Some(Reason::Prefix)),
            ("91990100M000100Y43", Some(Reason::Region)),
            ("9135A100M000100Y43", Some(Reason::Region)),
        ],
    );
    assert_eq!(uscc::parse("91130181MA0F12343L").unwrap().region(), "130181");
    assert!(uscc::parse("92130102MA07Q1W95K").unwrap().is_household());
    assert!(!uscc::parse("91130181MA0F12343L").unwrap().is_household());
}

#[test]
fn an_organisation_code_has_a_check_of_its_own() {
    check_table(
        "organisation",
        uscc::organisation,
        &[
            ("330352199", None),
            ("M000100Y4", None),
            ("330352198", Some(Reason::Check)),
            ("33035219", Some(Reason::Length)),
            ("33035-199", Some(Reason::Char)),
        ],
    );
}

#[test]
fn a_resident_number_has_division_birth_and_check() {
    check_table(
        "resident",
        resident::check,
        &[
            ("11010519491231002X", None),
            ("110108199003071238", None),
            ("130181197712310010", None),
            ("110105194912310021", Some(Reason::Check)),
            ("130102200002301108", Some(Reason::Date)),
            ("110105189912310021", Some(Reason::Date)),
            ("990105194912310021", Some(Reason::Region)),
            ("11010519491231002x", Some(Reason::Char)),
            ("1101051949123100X2", Some(Reason::Char)),
            ("11010519491231002", Some(Reason::Length)),
        ],
    );
}

#[test]
fn a_division_has_a_province_and_in_hebei_a_prefecture() {
    check_table(
        "division",
        |text| division::parse(text).map(drop),
        &[
            ("110108", None),
            ("120116", None),
            ("130181", None),
            ("130682", None),
            ("130638", None),
            ("130000", None),
            ("139001", None),
            ("310115", None),
            ("990101", Some(Reason::Region)),
            ("131201", Some(Reason::Region)),
            ("110308", Some(Reason::Region)),
            ("130001", Some(Reason::Region)),
            ("13018", Some(Reason::Length)),
            ("13018A", Some(Reason::Char)),
        ],
    );
    let division = division::parse("130181").unwrap();
    assert_eq!((division.province(), division.province_name()), ("13", "河北省"));
    assert_eq!(division.prefecture_name(), Some("石家庄市"));
    assert_eq!(division::parse("110108").unwrap().prefecture_name(), None);
}

/// The county table is a sample outside the repository; its place comes at build time.
#[test]
fn every_county_of_the_three_provinces_is_a_division() {
    let Some(samples) = option_env!("JJJ_SAMPLES") else {
        println!("skipped: JJJ_SAMPLES is not set");
        return;
    };
    let file = format!("{samples}/gbt2260/areas_11_12_13.csv");
    let Ok(table) = std::fs::read_to_string(&file) else {
        println!("skipped: {file} is not there");
        return;
    };
    let codes: Vec<&str> =
        table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(codes.len(), 222, "counties in {file}");
    for code in codes {
        assert!(division::parse(code).is_ok(), "{code}");
    }
}

#[test]
fn a_plate_has_the_form_of_its_class() {
    use plate::PlateClass::{NewEnergyLarge, NewEnergySmall, Ordinary, Special, Trailer};
    for (text, class) in [
        ("京A12345", Ok(Ordinary)),
        ("冀AD1234", Ok(Ordinary)),
        ("冀ADE123", Ok(Ordinary)),
        ("冀AD12345", Ok(NewEnergySmall)),
        ("津A12345F", Ok(NewEnergyLarge)),
        ("冀B1234挂", Ok(Trailer)),
        ("京A1234警", Ok(Special)),
        ("京AI2345", Err(Reason::Char)),
        ("冀ADEF12", Err(Reason::Char)),
        ("冀AZ12345", Err(Reason::Char)),
        ("津A12345Z", Err(Reason::Char)),
        ("美A12345", Err(Reason::Prefix)),
        ("京O12345", Err(Reason::Prefix)),
        ("京A1234", Err(Reason::Length)),
        ("京A1234567", Err(Reason::Length)),
        ("京", Err(Reason::Length)),
        ("", Err(Reason::Length)),
    ] {
        assert_eq!(plate::parse(text), class, "plate {text:?}");
    }
    assert_eq!(fold("京a·12345").len(), "京A·12345".len(), "a dot is not white space");
    assert_eq!(fold("京Ａ-12 345"), "京A12345");
}

#[test]
fn keys_of_goods_end_with_a_check_digit() {
    check_table(
        "gtin",
        trade::gtin,
        &[
            ("6901234567892", None),
            ("4006381333931", None),
            ("10614141000415", None),
            ("06900000000014", None),
            ("96385074", None),
            ("036000291452", None),
            ("6901234567893", Some(Reason::Check)),
            ("6901234567829", Some(Reason::Check)),
            ("690123456789", Some(Reason::Check)),
            ("69012345678", Some(Reason::Length)),
            ("690123456789２", Some(Reason::Char)),
            ("69O1234567892", Some(Reason::Char)),
        ],
    );
    check_table(
        "gln",
        trade::gln,
        &[
            ("6930000000028", None),
            ("6930000000027", Some(Reason::Check)),
            ("693000000002", Some(Reason::Length)),
        ],
    );
    check_table(
        "sscc",
        trade::sscc,
        &[
            ("106141412345678908", None),
            ("069300000000000011", None),
            ("106141412345678909", Some(Reason::Check)),
            ("10614141234567890", Some(Reason::Length)),
        ],
    );
}

#[test]
fn a_container_number_has_an_iso_6346_check_digit() {
    for (text, outcome) in [
        ("CSQU3054383", Ok(Weak::No)),
        ("TEXU3070079", Ok(Weak::No)),
        ("MSKU1234565", Ok(Weak::No)),
        ("CSQU3053860", Ok(Weak::RemainderTen)),
        ("CSQU3054384", Err(Reason::Check)),
        ("CSQX3054383", Err(Reason::Prefix)),
        ("CS1U3054383", Err(Reason::Char)),
        ("CSQU30543A3", Err(Reason::Char)),
        ("CSQU305438", Err(Reason::Length)),
    ] {
        assert_eq!(trade::container(text), outcome, "container {text:?}");
    }
}

#[test]
fn a_declaration_is_an_import_of_a_possible_year() {
    check_table(
        "declaration",
        customs::declaration,
        &[
            ("020220211000012345", None),
            ("222520191000012345", None),
            ("020220212000012345", Some(Reason::Char)),
            ("020220210000012345", Some(Reason::Char)),
            ("020219991000012345", Some(Reason::Date)),
            ("000220211000012345", Some(Reason::Prefix)),
            ("02022021100001234", Some(Reason::Length)),
            ("02022021100001234A", Some(Reason::Char)),
        ],
    );
    for (text, line) in [
        ("020220211000012345-1", Ok("020220211000012345-1")),
        ("020220211000012345-007", Ok("020220211000012345-7")),
        ("020220211000012345-0", Err(Reason::Char)),
        ("020220211000012345-", Err(Reason::Length)),
        ("020220211000012345-1000", Err(Reason::Length)),
        ("020220211000012345-a", Err(Reason::Char)),
        ("020220211000012345", Err(Reason::Length)),
    ] {
        assert_eq!(customs::line(text), line.map(str::to_owned), "line {text:?}");
    }
}

#[test]
fn an_hs_code_of_a_declaration_is_longer_than_one_of_a_class() {
    check_table(
        "hs of a declaration",
        customs::hs_declared,
        &[
            ("0202300090", None),
            ("0202300090101", None),
            ("020230", Some(Reason::Length)),
            ("0002300090", Some(Reason::Prefix)),
            ("7702300090", Some(Reason::Prefix)),
            ("02023000A0", Some(Reason::Char)),
        ],
    );
    check_table(
        "hs of a class",
        customs::hs_class,
        &[("020230", None), ("0202300090", None), ("02023", Some(Reason::Length))],
    );
}

#[test]
fn a_licence_has_a_province_and_a_mod_11_10_check() {
    check_table(
        "licence",
        |text| licence::parse(text).map(drop),
        &[
            ("SC10741018302531", None),
            ("SC11351090100010", None),
            ("SC12336098200173", None),
            ("SC10413018100090", None),
            ("JY11108071215650", None),
            ("JY21201160001234", None),
            ("JY11301810006785", None),
            ("JY21301810043211", None),
            ("JY11108071215651", Some(Reason::Check)),
            ("SC12345678901234", Some(Reason::Check)),
            ("SC12399678901234", Some(Reason::Region)),
            ("XX11108071215650", Some(Reason::Prefix)),
            ("JY1110807121565", Some(Reason::Length)),
            ("JY1110807121565O", Some(Reason::Char)),
        ],
    );
}

#[test]
fn check_characters_follow_the_published_vectors() {
    assert_eq!(check::mod37_36("A12425GABC1234002"), Some('M'));
    assert_eq!(check::mod97_10("794").as_deref(), Some("44"));
    assert_eq!(check::mod11_2("11010519491231002"), Some('X'));
    assert_eq!(check::iso6346("CSQU305438"), Some(('3', Weak::No)));
    assert_eq!(check::gb32100_mod31("91350100M000100Y4"), Some('3'));
    for body in ["a1", "1-2", "１"] {
        assert_eq!(check::mod37_36(body), None, "{body:?}");
        assert_eq!(check::mod11_10(body), None, "{body:?}");
        assert_eq!(check::mod97_10(body), None, "{body:?}");
    }
}

#[test]
fn a_changed_digit_or_a_swap_of_neighbours_is_caught_where_the_algorithm_promises_it() {
    let body = "1202022021100001234500100012";
    let good = check::mod97_10(body).unwrap();
    for at in 0..body.len() {
        let mut changed = body.to_owned().into_bytes();
        changed[at] = if changed[at] == b'9' { b'0' } else { changed[at] + 1 };
        let changed = String::from_utf8(changed).unwrap();
        assert_ne!(check::mod97_10(&changed).unwrap(), good, "digit {at} changed");
    }
    for at in 1..body.len() {
        let mut swapped = body.to_owned().into_bytes();
        swapped.swap(at - 1, at);
        let swapped = String::from_utf8(swapped).unwrap();
        if swapped != body {
            assert_ne!(check::mod97_10(&swapped).unwrap(), good, "digits {at} swapped");
        }
    }
}

#[test]
fn a_party_is_a_code_or_a_reference_never_a_household_in_plain() {
    use party::{PartyError, PartyId};
    let reference = "AB".repeat(32);
    assert_eq!(PartyId::parse(&reference).unwrap().as_str(), "ab".repeat(32));
    assert_eq!(PartyId::parse("91130181ma0f12343l").unwrap().as_str(), "91130181MA0F12343L");
    assert_eq!(PartyId::parse("92130102MA07Q1W95K"), Err(PartyError::HouseholdInPlain));
    assert_eq!(PartyId::parse("9２130102MA07Q1W95K"), Err(PartyError::HouseholdInPlain));
    assert_eq!(PartyId::parse("91130181MA0F12343M"), Err(PartyError::Form(Reason::Check)));
    assert_eq!(PartyId::parse(&"g".repeat(64)), Err(PartyError::Form(Reason::Length)));
}

#[test]
fn certificate_numbers_have_one_form() {
    assert_eq!(document::certificate("京检 2021-0001ａ").unwrap(), "京检2021-0001A");
    assert_eq!(document::certificate("abc"), Err(Reason::Length));
    assert_eq!(document::certificate("ab\u{7}cd"), Err(Reason::Char));
    assert_eq!(document::entry_inspection("121000000012345678"), Ok(()));
    assert_eq!(document::entry_inspection("121"), Err(Reason::Length));
    assert_eq!(document::entry_inspection("12100000京0012"), Err(Reason::Char));
}

#[test]
fn days_and_dates_are_inverse() {
    for (date, day) in
        [("1970-01-01", 0), ("1972-02-29", 789), ("2000-03-01", 11_017), ("2021-03-15", 18_701)]
    {
        assert_eq!(calendar::parse(date), Some(day), "{date}");
    }
    for day in (0..60_000).step_by(13) {
        let (year, month, of_month) = calendar::civil(day);
        assert_eq!(calendar::day_number(year, month, of_month), Some(day), "{year}-{month}");
    }
    for none in ["2021-02-29", "2021-13-01", "2021-00-10", "1969-12-31", "2021-3-15", "2021/03/15"]
    {
        assert_eq!(calendar::parse(none), None, "{none}");
    }
}
