#![cfg(test)]
//! What counts as personal data in plain text, and what only looks like it.

use contracts::privacy::Personal::{HouseholdCode, MobilePhone, ResidentNumber};
use contracts::privacy::{Finding, Personal, Scan, scan};

fn check(how: Scan, rows: &[(&str, Option<(usize, Personal)>)]) {
    for (text, expected) in rows {
        let expected = expected.map(|(offset, personal)| Finding { offset, personal });
        assert_eq!(scan(text, how), expected, "{how:?} {text:?}");
    }
}

#[test]
fn free_text_is_searched_for_everything() {
    check(
        Scan::Free,
        &[
            ("", None),
            ("冷冻牛肉 12 箱", None),
            ("11010519491231002X", Some((0, ResidentNumber))),
            ("11010519491231002x", Some((0, ResidentNumber))),
            ("身份证110108199003071238号", Some((9, ResidentNumber))),
            ("id:110108199003071238", Some((3, ResidentNumber))),
            ("110108 19900307 1238", Some((0, ResidentNumber))),
            ("110108-1990-0307-1238", Some((0, ResidentNumber))),
            ("１１０１０８１９９００３０７１２３８", Some((0, ResidentNumber))),
            ("13800138000", Some((0, MobilePhone))),
            ("电话:13800138000。", Some((7, MobilePhone))),
            ("tel13800138000", Some((3, MobilePhone))),
            ("138-0013-8000", Some((0, MobilePhone))),
            ("138 0013 8000", Some((0, MobilePhone))),
            ("+8613800138000", Some((1, MobilePhone))),
            ("+86 138 0013 8000", Some((1, MobilePhone))),
            ("008613800138000", Some((0, MobilePhone))),
            ("１３８００１３８０００", Some((0, MobilePhone))),
            ("商户92130102MA07Q1W95K", Some((6, HouseholdCode))),
            ("92130102ma07q1w95k", Some((0, HouseholdCode))),
            ("13800138000 与 110108199003071238", Some((0, MobilePhone))),
            // Behind the number of a list.
            ("1.13800138000", Some((2, MobilePhone))),
            ("39.13800138000", Some((3, MobilePhone))),
            // Addresses that are not of goods.
            ("https://example.org/tel/13800138000", Some((24, MobilePhone))),
            ("https://example.org/01/?tel=13800138000", Some((28, MobilePhone))),
            ("urn:jjj:document:13800138000", Some((17, MobilePhone))),
            ("urn:jjj:party:110108199003071238", Some((14, ResidentNumber))),
        ],
    );
}

#[test]
fn groups_and_invisible_characters_do_not_hide_a_number() {
    check(
        Scan::Free,
        &[
            ("138.0013.8000", Some((0, MobilePhone))),
            ("138\u{2013}0013\u{2013}8000", Some((0, MobilePhone))),
            ("138 - 0013 - 8000", Some((0, MobilePhone))),
            ("138\u{a0}0013\u{a0}8000", Some((0, MobilePhone))),
            ("138·0013·8000", Some((0, MobilePhone))),
            ("138/0013/8000", Some((0, MobilePhone))),
            ("1380013 8000", Some((0, MobilePhone))),
            ("138 00138000", Some((0, MobilePhone))),
            ("1380-013-8000", Some((0, MobilePhone))),
            ("13 80 01 38 00 0", Some((0, MobilePhone))),
            ("1 3 8 0 0 1 3 8 0 0 0", Some((0, MobilePhone))),
            ("+86-1380-013-8000", Some((1, MobilePhone))),
            ("电话 0086 138 0013 8000", Some((7, MobilePhone))),
            ("3 箱 138 0013 8000", Some((6, MobilePhone))),
            ("1\u{200b}3800138000", Some((0, MobilePhone))),
            ("138\u{2063}0013\u{e0020}8000", Some((0, MobilePhone))),
            ("110108.19900307.1238", Some((0, ResidentNumber))),
            ("110108/1990/03/07/1238", Some((0, ResidentNumber))),
            ("1101 0819 9003 0712 38", Some((0, ResidentNumber))),
            ("1 1 0 1 0 8 1 9 9 0 0 3 0 7 1 2 3 8", Some((0, ResidentNumber))),
            ("110105 19491231 002 X", Some((0, ResidentNumber))),
            ("11010519491231002\u{200b}X", Some((0, ResidentNumber))),
        ],
    );
}

#[test]
fn numbers_in_a_row_are_no_groups_of_one() {
    check(
        Scan::Free,
        &[
            // Sizes, amounts, days, addresses, a longer row.
            ("18.25 1234567", None),
            ("1380013.8000", None),
            ("150 20210315", None),
            ("15-03-2021 100", None),
            ("1998-01-01 123", None),
            ("192.168.100.12", None),
            ("15 16 17 18 19 20", None),
            ("15 100 200 300 4", None),
            ("a1380-013-8000", None),
            ("1380-013-8000b", None),
            ("138, 0013, 8000", None),
            ("138 —— 00138000", None),
            (r#"{"value":39.13800138000}"#, None),
            (r#"{"value":[-116.13800138000,39.13800138000]}"#, None),
            ("urn:epc:id:sgtin:110108.199003.071238", None),
            ("urn:uuid:11010819-9003-0712-3800-138001380000", None),
            ("https://id.gs1.org/01/09506000134352/21/13800138000", None),
        ],
    );
}

#[test]
fn numbers_that_only_look_personal_pass() {
    check(
        Scan::Free,
        &[
            // Check digit, birth date, province: one wrong and it is no resident number.
            ("110108199003071239", None),
            ("110108199013071238", None),
            ("990108199003071238", None),
            // Inside a longer run of digits nothing is looked for.
            ("1110108199003071238", None),
            ("1101081990030712381", None),
            ("138001380001", None),
            ("0138001380", None),
            ("12800138000", None),
            ("23800138000", None),
            ("8613800138000", None),
            ("11010519491231002XY", None),
            // Decimal fractions, hashes, codes in URIs.
            ("13800138000.5", None),
            ("9f86d081884c7d659a2feaa0c55ad015a13800138000b822cd15d6c15b0f00a08", None),
            ("urn:epc:id:sgtin:4012345.011122.13800138000", None),
            ("https://example.org/01/13800138000", None),
            // Dates and amounts in a row are no groups of a phone number.
            ("2021-03-15 8:30", None),
            ("13 2021 0315 12", None),
            // Declarations, an SSCC, a container, an enterprise.
            ("020220211000012345", None),
            ("106141412345678908", None),
            ("CSQU3054383", None),
            ("91130181MA0F12343L", None),
        ],
    );
}

#[test]
fn a_number_of_its_owner_is_searched_for_what_stands_alone() {
    check(
        Scan::Number,
        &[
            ("13800138000", Some((0, MobilePhone))),
            ("单13800138000", Some((3, MobilePhone))),
            ("CK-13800138000", Some((3, MobilePhone))),
            ("110108199003071238", Some((0, ResidentNumber))),
            ("92130102MA07Q1W95K", Some((0, HouseholdCode))),
            ("L19120512345", None),
            ("138-0013-8000", None),
            ("XS20210315000042", None),
            ("110108 19900307 1238", Some((0, ResidentNumber))),
            ("110108\u{3000}19900307\u{2011}1238", Some((0, ResidentNumber))),
        ],
    );
}

#[test]
fn a_code_of_goods_is_searched_for_resident_numbers_and_households() {
    check(
        Scan::Code,
        &[
            ("110108199003071238", Some((0, ResidentNumber))),
            ("HE92130102MA07Q1W95K0003172021031500007Y", Some((2, HouseholdCode))),
            ("110108\u{200b}199003071238", Some((0, ResidentNumber))),
            ("110108-19900307-1238", Some((0, ResidentNumber))),
            ("13800138000", None),
            ("1202022021100001234500100012376", None),
            ("BJ110108069012345678922103150042F", None),
            ("HE91130181MA0F12343L0003172021031500007Y", None),
        ],
    );
    assert_eq!(scan("110108199003071238", Scan::Checked), None);
}

/// Of the declarations of 2019 and 2020 some have the digits of a birth in place of year and flag.
#[test]
fn a_declaration_line_is_never_taken_for_a_resident_number() {
    let mut alike = Vec::new();
    for serial in 0..400_000 {
        let number = format!("31012020{:010}", 1_101_000_000 + serial * 7);
        if scan(&number, Scan::Code).is_some() {
            alike.push(number);
        }
    }
    assert!(!alike.is_empty(), "the table must hold a collision to test");
    for number in &alike {
        assert_eq!(scan(&format!("{number}-1"), Scan::Code), None, "{number}-1");
    }
}
