#![cfg(test)]
//! What each format becomes, row by row: a table of small files and what is said of them.

use import::{FileError, Imported, Mapping, MappingError, Source, import};
use proto::operation::OpUid;
use proto::schema::Body;
use proto::schema::event::{Event, Item};

/// One line an operation or rejection, in the order of the file.
fn told(imported: &Imported) -> Vec<String> {
    let operations = imported.operations.iter().map(|prepared| {
        let body = if let Body::Event(event) = &prepared.body {
            of_event(event)
        } else if let Body::Party(party) = &prepared.body {
            format!("{} {}", party.id, party.name)
        } else {
            format!("{:?}", prepared.body)
        };
        (prepared.row, format!("{} {}: {body}", prepared.row, prepared.kind.name()))
    });
    let rejected = imported.rejected.iter().map(|rejected| {
        let value = rejected.value.as_deref().unwrap_or("-");
        let column = &rejected.column;
        (rejected.row, format!("{} refused {} at {column:?}: {value}", rejected.row, rejected.rule))
    });
    let mut lines: Vec<(u64, String)> = operations.chain(rejected).collect();
    lines.sort_by_key(|(row, _)| *row);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn of_event(event: &Event) -> String {
    let one = |item: &Item| {
        let quantity = item.quantity.map(|q| format!("*{}/{}", q.milli, q.uom)).unwrap_or_default();
        let from = if item.counterpart.is_empty() { "" } else { "<" };
        format!("{}{quantity}{from}{}", item.code, item.counterpart)
    };
    let list = |items: &[Item]| items.iter().map(one).collect::<Vec<_>>().join(" ");
    let lot = event.lot.as_ref().map(|lot| format!(" lot {} {}", lot.product, lot.produced_day));
    format!(
        "{} {}@{} {} [{}]->[{}]{}",
        event.occurred_ms,
        event.party,
        event.station,
        event.document,
        list(&event.items),
        list(&event.outputs),
        lot.unwrap_or_default()
    )
}

fn mapping(head: &str, rules: &str) -> Mapping {
    let text = format!("platform = \"p\"\nzone = \"+08:00\"\n{head}\n{rules}");
    Mapping::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const CSV: &str = "format = \"csv\"\nencoding = \"utf-8\"";
const JSON: &str = "format = \"json\"\nencoding = \"utf-8\"";
const XML: &str = "format = \"xml\"\nencoding = \"utf-8\"";

/// Sales, one row an item, grouped by their number.
const SALES: &str = r#"
[tables."业务"]
"售" = "sale"
[units]
"箱" = "XBX"
"斤" = { uom = "KGM", factor = "0.5" }
[[rule]]
name = "sales"
kind = { column = "业务", table = "业务" }
record = ["单号"]
group = true
[rule.fields]
occurred_ms = { column = "时间", as = "time", format = "yyyy/M/d H:mm" }
party = "企业"
station = "站点"
document = "单号"
method = { column = "备注", optional = true }
[[rule.parts]]
of = "items"
[rule.parts.fields]
code = "码"
quantity = { column = "数量", as = "quantity", unit_column = "单位" }
"#;

const HEADER: &str = "业务,单号,时间,企业,站点,码,数量,单位,备注\r\n";
const PARTY: &str = "91110108MA00ABCD45";

fn sales(rows: &[&str]) -> Vec<String> {
    let file = format!("{HEADER}{}\r\n", rows.join("\r\n"));
    told(&import(file.as_bytes(), &Source::Mapped(&mapping(CSV, SALES))).unwrap())
}

fn check(cases: &[(&str, &[&str], &[&str])]) {
    let row = |rest: &&str| format!("售,{}", rest.replace('P', PARTY));
    for (name, rows, expected) in cases {
        let rows: Vec<String> = rows.iter().map(row).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let party = format!("{PARTY}@");
        let expected: Vec<String> = expected.iter().map(|e| e.replace("P@", &party)).collect();
        assert_eq!(sales(&rows), expected, "{name}");
    }
}

#[test]
fn rows_of_one_document_are_one_event_and_a_broken_one_takes_only_its_document_down() {
    check(&[
        (
            "two items, another document between them, units turned",
            &[
                "S1,2021/3/15 8:30,P,T1,A,12.5,斤,",
                "S2,2021/3/16 9:05,P,T1,B,3,箱,",
                "S1,2021/3/15 8:30,P,T1,C,2,箱,",
            ],
            &[
                "2 sale: 1615768200000 P@T1 S1 [A*6250/1 C*2000/2]->[]",
                "3 sale: 1615856700000 P@T1 S2 [B*3000/2]->[]",
            ],
        ),
        (
            "a day that is not in the calendar",
            &["S1,2021/2/30 8:30,P,T1,A,1,箱,", "S2,2021/3/16 9:05,P,T1,B,3,箱,"],
            &[
                "2 refused UNREADABLE_TIME at \"时间\": 2021/2/30 8:30",
                "3 sale: 1615856700000 P@T1 S2 [B*3000/2]->[]",
            ],
        ),
        (
            "one broken row of three",
            &[
                "S1,2021/3/15 8:30,P,T1,A,1,箱,",
                "S1,2021/3/15 8:30,P,T1,B,x,箱,",
                "S1,2021/3/15 8:30,P,T1,C,1,箱,",
            ],
            &[
                "2 refused GROUP_BROKEN at \"单号\": -",
                "3 refused UNREADABLE_NUMBER at \"数量\": x",
                "4 refused GROUP_BROKEN at \"单号\": -",
            ],
        ),
        (
            "rows that disagree",
            &["S1,2021/3/15 8:30,P,T1,A,1,箱,", "S1,2021/3/15 8:30,P,T2,B,1,箱,"],
            &["2 refused GROUP_BROKEN at \"单号\": -", "3 refused GROUP_DISAGREES at \"站点\": -"],
        ),
        (
            "admission speaks of the row and column of the item",
            &["S1,2021/3/15 8:30,P,T1,A,1,箱,", "S1,2021/3/15 8:30,P,T1,B,0,箱,"],
            &["2 refused GROUP_BROKEN at \"单号\": -", "3 refused QUANTITY_ZERO at \"数量\": -"],
        ),
    ]);
}

#[test]
fn a_row_that_breaks_before_it_comes_to_its_document_takes_it_down_too() {
    let good = |no: &str, code: &str| format!("售,{no},2021/3/15 8:30,{PARTY},T1,{code},1,箱,");
    let sold =
        |row: u64, no: &str| format!("{row} sale: 1615768200000 {PARTY}@T1 {no} [C*1000/2]->[]");
    let word = good("S1", "B").replace('售', "集");
    let short = good("S1", "B").trim_end_matches(',').to_owned();
    let long = format!("x,{}", good("S1", "B"));
    for (name, broken, told) in [
        ("a word for the type that is in no table", word, "UNKNOWN_WORD at \"业务\": 集"),
        ("a cell too few", short, "COLUMN_COUNT at \"\": -"),
        ("a cell too many, before the number", long, "COLUMN_COUNT at \"\": -"),
    ] {
        let behind = sales(&[&good("S1", "A"), &broken, &good("S2", "C")]);
        let group = |row: u64| format!("{row} refused GROUP_BROKEN at \"单号\": -");
        assert_eq!(behind, [group(2), format!("3 refused {told}"), sold(4, "S2")], "{name}");
        let before = sales(&[&broken, &good("S1", "A"), &good("S2", "C")]);
        assert_eq!(before, [format!("2 refused {told}"), group(3), sold(4, "S2")], "{name}");
    }
    // A row that no rule takes may be one of the document.
    let rules = SALES.replace("group = true", "group = true\nwhen = { \"业务\" = \"售\" }");
    let file = format!("{HEADER}{}\n{}\n", good("S1", "A"), good("S1", "B").replace('售', "集"));
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(CSV, &rules))).unwrap();
    let expected = ["2 refused GROUP_BROKEN at \"单号\": -", "3 refused NO_RULE at \"业务\": -"];
    assert_eq!(told(&read), expected);
}

#[test]
fn a_row_of_a_document_that_stands_twice_counts_once_and_is_told() {
    let row = |code: &str| format!("售,S1,2021/3/15 8:30,{PARTY},T1,{code},1,箱,");
    let read = |rows: &[String]| {
        let file = format!("{HEADER}{}\n", rows.join("\n"));
        import(file.as_bytes(), &Source::Mapped(&mapping(CSV, SALES))).unwrap()
    };
    let once = read(&[row("A"), row("B")]);
    let twice = read(&[row("A"), row("B"), row("A")]);
    assert_eq!(twice.operations, once.operations);
    assert_eq!((twice.rows, twice.duplicates, &*twice.duplicate_rows), (3, 1, &[4][..]));
    let broken = read(&[row("A"), row("A"), row("B").replace("箱", "筐")]);
    let group = |row: u64| format!("{row} refused GROUP_BROKEN at \"单号\": -");
    let unit = "4 refused UNKNOWN_UNIT at \"单位\": 筐".to_owned();
    assert_eq!((told(&broken), broken.duplicates), (vec![group(2), group(3), unit], 0));
    // A column that no rule reads tells two lines of one code apart.
    let file = format!("行号,{}1,{}\n2,{}\n", HEADER.replace("\r\n", "\n"), row("A"), row("A"));
    let numbered = import(file.as_bytes(), &Source::Mapped(&mapping(CSV, SALES))).unwrap();
    let sold = format!("2 sale: 1615768200000 {PARTY}@T1 S1 [A*1000/2 A*1000/2]->[]");
    assert_eq!((told(&numbered), numbered.duplicates), (vec![sold], 0));
}

#[test]
fn a_row_that_no_part_takes_is_refused_and_one_left_out_on_purpose_is_not() {
    let rules = r#"
        [units]
        "箱" = "XBX"
        [[rule]]
        name = "work"
        kind = "disinfection"
        record = ["单号"]
        group = true
        [rule.fields]
        occurred_ms = { column = "时间", as = "time", format = "yyyy/M/d H:mm" }
        party = "企业"
        station = "站点"
        agent = { constant = "含氯消毒剂" }
        [[rule.parts]]
        of = "items"
        when = { "明细" = "货物" }
        fields = { code = "码" }
        [[rule.parts]]
        skip = "places and vehicles"
        when = { "明细" = "无" }
    "#;
    let row = |no: &str, line: &str, code: &str| {
        format!("{no},2021/3/15 8:30,{PARTY},T1,{line},{code}\n")
    };
    let file = [
        "单号,时间,企业,站点,明细,码\n".to_owned(),
        row("1", "货物", "A"),
        row("1", "貨物", "B"),
        row("2", "无", ""),
        row("3", "", "C"),
        row("4", "货物", "D"),
    ]
    .concat();
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(CSV, rules))).unwrap();
    let done = |row: u64, items: &str| {
        format!("{row} disinfection: 1615768200000 {PARTY}@T1  [{items}]->[]")
    };
    let expected = [
        "2 refused GROUP_BROKEN at \"单号\": -".to_owned(),
        "3 refused NO_RULE at \"明细\": -".to_owned(),
        done(4, ""),
        "5 refused NO_RULE at \"明细\": -".to_owned(),
        done(6, "D"),
    ];
    assert_eq!(told(&read), expected);
    for (change, to) in [
        ("skip = \"places and vehicles\"", ""),
        ("of = \"items\"", "of = \"items\"\nskip = \"x\""),
        ("fields = { code = \"码\" }", ""),
        ("skip = \"places and vehicles\"", "skip = \"x\"\nfields = { code = \"码\" }"),
    ] {
        let text =
            format!("platform = \"p\"\nzone = \"+08:00\"\n{CSV}\n{}", rules.replace(change, to));
        let error = Mapping::parse(&text).expect_err(to).to_string();
        assert!(error.contains("either `of` and `fields`, or `skip`"), "{error}");
    }
}

#[test]
fn a_broken_cell_is_told_with_its_column_and_never_with_personal_data() {
    check(&[
        (
            "unknown unit, unknown word, empty cell, cells missing, precision",
            &[
                "S1,2021/3/15 8:30,P,T1,A,1,筐,",
                "S2,2021/3/15 8:30,P,,A,1,箱,",
                "S3,2021/3/15 8:30",
                "S4,2021/3/15 8:30,P,T1,A,0.0001,箱,",
            ],
            &[
                "2 refused UNKNOWN_UNIT at \"单位\": 筐",
                "3 refused MISSING_VALUE at \"站点\": -",
                "4 refused COLUMN_COUNT at \"\": -",
                "5 refused UNREADABLE_NUMBER at \"数量\": 0.0001",
            ],
        ),
        (
            "a phone number is never repeated, neither from a remark nor from a broken cell",
            &["S1,2021/3/15 8:30,P,T1,A,1,箱,电话 13800138000", "S2,13800138000 张,P,T1,A,1,箱,"],
            &["2 refused PERSONAL_DATA at \"备注\": -", "3 refused UNREADABLE_TIME at \"时间\": -"],
        ),
        (
            "the code of an individual household",
            &["S1,2021/3/15 8:30,92130102MA07Q1W95K,T1,A,1,箱,"],
            &["2 refused HOUSEHOLD_IN_PLAIN at \"企业\": -"],
        ),
    ]);
}

#[test]
fn a_row_that_no_rule_takes_is_told_and_one_left_out_on_purpose_is_counted() {
    let rules = r#"
        [[rule]]
        name = "parties"
        kind = "party"
        when = { kind = ["party", "company"] }
        record = ["id"]
        [rule.fields]
        id = "id"
        name = "name"
        party_type = { constant = "wholesaler" }
        region = { constant = "110108" }
        [[rule]]
        name = "totals"
        when = { kind = "total" }
        skip = "sums of the sheet"
    "#;
    let file = format!("kind,id,name\ncompany,{PARTY},A\ntotal,,\nother,,B\n,,\nparty,{PARTY},A\n");
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(CSV, rules))).unwrap();
    let first = format!("2 party: {PARTY} A");
    assert_eq!(told(&read), [first.as_str(), "4 refused NO_RULE at \"kind\": -"]);
    assert_eq!((read.rows, read.skipped, read.duplicates), (4, 1, 1));
}

#[test]
fn a_record_number_that_stands_twice_with_other_content_is_refused() {
    let rules = "[[rule]]\nname = \"p\"\nkind = \"party\"\nrecord = [\"no\"]\n[rule.fields]\nid = \"id\"\n\
        name = \"name\"\nparty_type = { constant = \"wholesaler\" }\nregion = { constant = \"110108\" }";
    let file = format!("no,id,name\n1,{PARTY},A\n1,{PARTY},B\n");
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(CSV, rules))).unwrap();
    let expected =
        [format!("2 party: {PARTY} A"), "3 refused RECORD_REUSED at \"no\": -".to_owned()];
    assert_eq!(told(&read), expected);
}

/// Deliveries by day; the day stands outside the records.
const NESTED: &str = r#"
[[rule]]
name = "deliveries"
kind = "receive"
rows = "days/log"
record = ["../day", "no"]
[rule.fields]
occurred_ms = { template = "{../day} {clock}", as = "time", format = "yyyy-MM-dd HH:mm" }
party = "/receiver"
station = { constant = "T1" }
document = { template = "{no}" }
counterparty = "from/code"
certificates = { column = "papers", as = "list", optional = true }
[[rule.parts]]
of = "items"
rows = "goods"
[rule.parts.fields]
code = "code"
counterpart = { column = "theirs", optional = true }
quantity = { column = "amount", as = "quantity", unit = "KGM" }
"#;

#[test]
fn nested_json_is_walked_from_the_document_to_the_item_and_back() {
    let file = format!(
        r#"{{"receiver": "{PARTY}", "days": [
            {{"day": "2021-03-15", "log": [
                {{"no": 7, "clock": "08:30", "from": {{"code": "91120116MA05K7X26W"}}, "papers": ["C-1001", "C-1002"],
                  "goods": [{{"code": "A", "amount": 12.5}}, {{"code": "B", "amount": "3", "theirs": "X"}}]}},
                {{"no": 8, "clock": "8:30", "from": {{"code": "91120116MA05K7X26W"}}, "goods": [{{"code": "C", "amount": 1}}]}},
                {{"no": 9, "clock": "08:30", "from": {{"code": "91120116MA05K7X26W"}}, "goods": [{{"code": 1202022021100001234500100012376, "amount": 1}}]}}
            ]}},
            {{"day": "2021-03-16", "log": []}}
        ]}}"#
    );
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(JSON, NESTED))).unwrap();
    let expected = [
        format!("1 receive: 1615768200000 {PARTY}@T1 7 [A*12500/1 B*3000/1<X]->[]"),
        "2 refused UNREADABLE_TIME at \"days[1]/day+days[1]/log[2]/clock\": 2021-03-15 8:30"
            .to_owned(),
        "3 refused INEXACT_NUMBER at \"days[1]/log[3]/goods[1]/code\": -".to_owned(),
    ];
    assert_eq!(told(&read), expected);
    let uid = OpUid::of_record("p", "receive:2021-03-15/7");
    assert_eq!(read.operations[0].uid, uid);
}

#[test]
fn xml_rows_are_told_by_their_line_and_namespaces_do_not_matter() {
    let rules = r#"
        [[rule]]
        name = "p"
        kind = "party"
        rows = "export/parties/party"
        record = ["@no"]
        [rule.fields]
        id = "@no"
        name = "name"
        party_type = "@does"
        region = { column = "seat", default = "110108" }
        licences = { column = "licence", as = "list", optional = true }
    "#;
    let file = "<?xml version=\"1.0\"?>\n<x:export xmlns:x=\"urn:x\"><x:parties>\n\
        <party no=\"91110108MA00ABCD45\" does=\"wholesaler\"><name>A &amp; B</name>\
        <licence>JY11108071215650</licence><licence>SC10413018100090</licence></party>\n\
        <party no=\"91110108MA00ABCD46\" does=\"wholesaler\"><name>C</name></party>\n\
        <party no=\"91120116MA05K7X26W\" does=\"grower\"><name>D</name></party>\n\
        </x:parties></x:export>";
    let read = import(file.as_bytes(), &Source::Mapped(&mapping(XML, rules))).unwrap();
    let expected = [
        "3 party: 91110108MA00ABCD45 A & B",
        "4 refused BAD_CHECK at \"export/parties/party[2]/@no\": 91110108MA00ABCD46",
        "5 refused UNKNOWN_WORD at \"export/parties/party[3]/@does\": grower",
    ];
    assert_eq!(told(&read), expected);
}

#[test]
fn a_mapping_that_names_what_the_file_does_not_have_reads_nothing() {
    let other = mapping(CSV, &SALES.replace("\"站点\"", "\"站\""));
    let file = format!("{HEADER}售,S1,2021/3/15 8:30,{PARTY},T1,A,1,箱,\r\n");
    let unknown = |column: &str, rule: &str| {
        Err(FileError::UnknownColumn { column: column.to_owned(), rule: rule.to_owned() })
    };
    assert_eq!(import(file.as_bytes(), &Source::Mapped(&other)), unknown("站", "sales"));
    let nested = mapping(JSON, NESTED);
    let json = br#"{"receiver": "R", "days": [{"day": "2021-03-15", "log": [{"no": 1, "time": "08:30", "from": {"code": "X"}}]}]}"#;
    assert_eq!(import(json, &Source::Mapped(&nested)), unknown("clock", "deliveries"));
    let rows = Err(FileError::UnknownRows { path: "days/log".into(), rule: "deliveries".into() });
    assert_eq!(import(br#"{"receiver": "R", "day": []}"#, &Source::Mapped(&nested)), rows);
    for empty in [r#"{"days": []}"#, r#"{"days": [{"log": []}]}"#] {
        let read = import(empty.as_bytes(), &Source::Mapped(&nested)).unwrap();
        assert_eq!(read, Imported::default(), "{empty}");
    }
}

#[test]
fn a_mapping_file_is_read_strictly() {
    let head = "platform = \"p\"\nformat = \"csv\"\nencoding = \"utf-8\"\nzone = \"+08:00\"\n";
    let rule =
        "[[rule]]\nname = \"r\"\nkind = \"party\"\nrecord = [\"no\"]\n[rule.fields]\nid = \"no\"\n";
    let both = format!("{head}{rule}");
    assert!(Mapping::parse(&both).is_ok());
    for (change, to, expected) in [
        ("zone = \"+08:00\"", "zone = \"Asia/Shanghai\"", "wrong at zone"),
        ("encoding = \"utf-8\"", "encoding = \"latin1\"", "wrong at encoding"),
        ("format = \"csv\"", "format = \"xlsx\"", "wrong at format"),
        ("zone = ", "colour = 1\nzone = ", "unknown field `colour`"),
        ("kind = \"party\"", "kind = \"partie\"", "r.kind: no type \"partie\""),
        ("kind = \"party\"", "kind = { column = \"k\", table = \"t\" }", "no table \"t\""),
        ("record = [\"no\"]", "record = []", "r.record"),
        ("record = [\"no\"]\n", "", "r.record"),
        ("record = [\"no\"]", "record = [\"no\"]\nrows = \"a\"", "each line is a row"),
        ("name = \"r\"", "name = \"r\"\nskip = \"x\"", "either `kind` or `skip`"),
        ("id = \"no\"", "id = 7", "r.fields.id"),
        ("id = \"no\"", "id = { column = \"no\", as = \"date\" }", "not read as \"date\""),
        ("id = \"no\"", "id = { column = \"no\", as = \"time\" }", "a time has a format"),
        (
            "id = \"no\"",
            "id = { column = \"no\", as = \"time\", format = \"yyyy/M/d\" }",
            "pattern",
        ),
        ("id = \"no\"", "id = { column = \"no\", colour = 1 }", "unknown field `colour`"),
        ("id = \"no\"", "id = { column = \"no\", constant = \"x\" }", "exactly one of"),
        ("id = \"no\"", "id = { column = \"no\", table = \"t\" }", "no table \"t\""),
        ("id = \"no\"", "id = { template = \"{no\" }", "braces"),
        ("id = \"no\"", "id = { columns = [\"a\", \"b\"], as = \"text\" }", "make a list"),
        ("id = \"no\"", "id = { column = \"no\", unit = \"KGM\" }", "only quantities have a unit"),
        (
            "id = \"no\"",
            "id = { column = \"no\", as = \"quantity\", unit = \"筐\" }",
            "not in [units]",
        ),
        ("id = \"no\"", "id = \"no\"\nid = \"no\"", "duplicate key"),
        ("[rule.fields]", "[units]\n\"筐\" = \"BASKET\"\n[rule.fields]", "no unit of ours"),
    ] {
        let text = both.replace(change, to);
        assert_ne!(text, both, "{change} stands in the file");
        let text = text.replace("[units]\n\"筐\" = \"BASKET\"\n[rule.fields]", "[rule.fields]")
            + if to.contains("BASKET") { "[units]\n\"筐\" = \"BASKET\"\n" } else { "" };
        let error: MappingError = Mapping::parse(&text).expect_err(to);
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!error.zh().is_empty());
    }
}

#[test]
fn a_quotation_mark_that_nothing_closes_takes_no_row_with_it() {
    let csv = mapping(CSV, SALES);
    let row = |no: &str, station: &str, remark: &str| {
        format!("售,{no},2021/3/15 8:30,{PARTY},{station},A,1,箱,{remark}")
    };
    let read = |rows: &[String]| {
        let file = format!("{HEADER}{}\r\n", rows.join("\r\n"));
        match import(file.as_bytes(), &Source::Mapped(&csv)) {
            Ok(read) => format!("{} rows", read.rows),
            Err(FileError::OpenQuote { row, column }) => format!("row {row} {column}"),
            Err(other) => other.to_string(),
        }
    };
    let good = || row("S1", "T1", "");
    for (name, rows, expected) in [
        ("to the end of the file", vec![row("S0", "T1", "\"急冻"), good(), good()], "row 2 备注"),
        ("in the last row", vec![good(), row("S0", "T1", "\"急冻")], "row 3 备注"),
        (
            "up to the next such cell, which closes it in its middle",
            vec![row("S0", "\"T1", ""), good(), row("S2", "\"T1", "")],
            "row 2 站点",
        ),
        (
            "of two rows, none of them whole",
            vec![good(), row("S0", "\"T1", ""), row("S2", "\"T1", "")],
            "row 3 站点",
        ),
        (
            "up to a cell that is in order",
            vec![row("S0", "T1", "\"急冻"), good(), row("S2", "T1", "\"冻,虾\"")],
            "row 2 备注",
        ),
        (
            "up to a cell that begins with a comma",
            vec![row("S0", "\"T1", ""), good(), row("S2", "T1", "\",冻虾\"")],
            "row 2 站点",
        ),
        ("a text of two lines", vec![row("S0", "T1", "\"冻,虾\r\n一,级\""), good()], "2 rows"),
        ("spaces behind it", vec![row("S0", "T1", "\"冻\n虾\"  "), good()], "2 rows"),
        ("doubled marks", vec![row("S0", "T1", "\"冻\"\"\n\"\"虾\""), good()], "2 rows"),
        ("a mark within a text", vec![row("S0", "T1", "21\" 冻虾"), good()], "2 rows"),
        ("a mark that closes too early", vec![row("S0", "T1", "\"急冻\"虾"), good()], "2 rows"),
    ] {
        // One operation a document: the other rows have numbers of their own.
        let rows: Vec<String> = (0..)
            .zip(rows)
            .map(|(at, row): (u32, String)| row.replace("S1", &format!("G{at}")))
            .collect();
        assert_eq!(read(&rows), expected, "{name}");
    }
    let error = FileError::OpenQuote { row: 10, column: "备注".to_owned() };
    assert!(error.to_string().starts_with("row 10, column \"备注\": a quotation mark"), "{error}");
    assert!(error.zh().starts_with("第 10 行“备注”列："), "{}", error.zh());
}

#[test]
fn a_file_that_is_not_what_it_is_said_to_be_is_refused_whole() {
    let csv = mapping(CSV, SALES);
    let gb = mapping("format = \"csv\"\nencoding = \"gb18030\"", SALES);
    let (json, xml) = (mapping(JSON, NESTED), mapping(XML, NESTED));
    let cases: [(&[u8], Source<'_>, &str); 9] = [
        (b"\xff\xfe", Source::Mapped(&csv), "not text in UTF-8"),
        (b"\x81\x20\xff", Source::Mapped(&gb), "not text in GB18030"),
        (b"a,b,a\n1,2,3\n", Source::Mapped(&csv), "names the column \"a\" twice"),
        (b"{\"days\": [}", Source::Mapped(&json), "not JSON"),
        (b"<a><b></a>", Source::Mapped(&xml), "not XML"),
        (b"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", Source::Mapped(&xml), "not XML"),
        (b"\xff", Source::Native, "not text in UTF-8"),
        (b"{\"type\": \"EPCISDocument\"}", Source::Epcis, "no event"),
        (b"hello", Source::Epcis, "not EPCIS"),
    ];
    for (bytes, source, expected) in cases {
        let error = import(bytes, &source).expect_err(expected);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(!error.zh().is_empty());
    }
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    assert!(import(deep.as_bytes(), &Source::Mapped(&xml)).is_err());
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    assert!(import(deep.as_bytes(), &Source::Mapped(&json)).is_err());
    let large = vec![b' '; import::limits::FILE_BYTES_MAX + 1];
    assert!(matches!(import(&large, &Source::Native), Err(FileError::TooLarge { .. })));
}
