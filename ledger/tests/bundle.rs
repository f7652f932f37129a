#![cfg(test)]
//! The form of a proof bundle: golden bytes and JSON, and what neither form lets through.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
#![expect(clippy::too_many_lines, reason = "one value with every field, and its golden text")]

use expect_test::expect;
use ledger::bundle::{
    Bundle, BundleError, CheckpointVotes, Claim, ClaimKind, Cosignature, Day, Direction, FinalHead,
    Handoff, Item, ItemClaim, Log, LogEntry, OpProof, Pin, ReceiptProof, Recovery, StateClaim,
    StatePath, StateValue, Subject, TraceClaim, TxProof, VoteBytes, WindowClaim,
};
use proptest::prelude::*;

/// A bundle with every field set to something; it proves nothing.
fn full() -> Bundle {
    let votes = || CheckpointVotes {
        suite: 1,
        epoch: 2,
        votes: vec![VoteBytes { signer: 3, signature: vec![4] }],
    };
    let cosignatures = || vec![Cosignature { key: vec![5], signature: vec![6] }];
    let path = || vec![vec![7], vec![8]];
    let proof = || {
        Some(StatePath {
            size: 9,
            position: 8,
            key: vec![7],
            value: vec![6],
            next: vec![5],
            leaf_path: path(),
            bits: vec![4],
            twig_path: path(),
        })
    };
    let subject = || Subject { kind: 1, key: b"BJ:1".to_vec() };
    let entry = LogEntry {
        index: 1,
        height: 2,
        receipt_index: 3,
        receipt: vec![4],
        links: vec![5],
        alerts: vec![6],
        body: Some(Vec::new()),
    };
    let item = Item {
        leaf: vec![1],
        path: path(),
        header: Some(vec![2]),
        tx: Some(TxProof { index: 3, payload: vec![4], path: path() }),
        op: Some(OpProof { index: 5, bytes: vec![6], path: path() }),
        receipt: Some(ReceiptProof {
            index: 7,
            payload: vec![8],
            links: vec![9],
            alerts: vec![10],
            path: path(),
        }),
        states: vec![
            StateValue { namespace: 2, key: b"k".to_vec(), value: None, proof: proof() },
            StateValue { namespace: 2, key: b"l".to_vec(), value: Some(Vec::new()), proof: None },
        ],
        logs: vec![
            Log {
                kind: 1,
                bucket: 0,
                subject: b"BJ:1".to_vec(),
                head: Some(vec![1]),
                proof: proof(),
                entries: vec![entry.clone(), LogEntry { body: None, ..entry }],
                days: Vec::new(),
                first: 4,
                cover: path(),
            },
            Log { kind: 4, days: vec![Day { bucket: 1, height: 2 }], ..Log::default() },
        ],
    };
    let trace = TraceClaim {
        item: 0,
        height: 8,
        starts: vec![subject()],
        direction: Direction::Both.into(),
        unit_limit: 9,
        truncated: vec![subject()],
    };
    let window =
        WindowClaim { item: 0, height: 8, subject: Some(subject()), from_day: 1, to_day: 2 };
    let claim = |kind| Claim { kind: Some(kind), words_zh: "字".into(), words_en: "w".into() };
    Bundle {
        genesis: vec![0xab, 0xcd],
        handoffs: vec![Handoff {
            certificate: Some(votes()),
            recovery: Some(Recovery { document: vec![1], signatures: votes().votes }),
            size: 2,
            root: vec![3],
            leaf: vec![4],
            path: path(),
            descriptor: vec![5],
            consistency: path(),
            cosignatures: cosignatures(),
        }],
        final_head: Some(FinalHead {
            certificate: Some(votes()),
            size: 6,
            root: vec![7],
            leaf: vec![8],
            path: path(),
            cosignatures: cosignatures(),
        }),
        pins: vec![Pin { size: 1, consistency: path() }],
        items: vec![item, Item::default()],
        claims: vec![
            claim(ClaimKind::Event(ItemClaim { item: 0 })),
            claim(ClaimKind::Receipt(ItemClaim { item: 1 })),
            claim(ClaimKind::State(StateClaim { item: 0, state: 1 })),
            claim(ClaimKind::Trace(trace)),
            claim(ClaimKind::Window(window)),
        ],
    }
}

/// Field numbers and types are the format: a second verifier reads these bytes.
#[test]
fn the_bytes_of_every_field_are_fixed() {
    let hex = hex::encode(full().to_bytes());
    let lines: Vec<&str> =
        hex.as_bytes().chunks(96).map(|line| std::str::from_utf8(line).unwrap()).collect();
    expect![[r#"
        0a02abcd12380a0b080110021a050803120104120a0a01011205080312010418022201032a01043201073201083a0105
        4201074201084a060a01051201061a230a0b080110021a05080312010410061a01072201082a01072a010832060a0105
        120106220808011201071201082aa2010a01011201071201081a0102220b08031201041a01071a01082a0b0805120106
        1a01071a0108321108071201081a010922010a2a01072a01083a10080212016b22090a01070a01081201093a07080212
        016c1a00424208011a04424a3a312201012a090a01070a010812010932110801100218032201042a01053201063a0032
        0f0801100218032201042a010532010640044a01074a0108420808043a04080110022a00320a0a003203e5ad973a0177
        320c120208013203e5ad973a0177320c1a0210013203e5ad973a01773224221a10081a0808011204424a3a3120032809
        320808011204424a3a313203e5ad973a0177321a2a1010081a0808011204424a3a31200128023203e5ad973a0177
    "#]].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn the_json_of_every_field_is_fixed() {
    expect![[r#"
        {
          "genesis": "abcd",
          "handoffs": [
            {
              "certificate": {
                "suite": 1,
                "epoch": 2,
                "votes": [
                  {
                    "signer": 3,
                    "signature": "04"
                  }
                ]
              },
              "recovery": {
                "document": "01",
                "signatures": [
                  {
                    "signer": 3,
                    "signature": "04"
                  }
                ]
              },
              "size": 2,
              "root": "03",
              "leaf": "04",
              "path": [
                "07",
                "08"
              ],
              "descriptor": "05",
              "consistency": [
                "07",
                "08"
              ],
              "cosignatures": [
                {
                  "key": "05",
                  "signature": "06"
                }
              ]
            }
          ],
          "final_head": {
            "certificate": {
              "suite": 1,
              "epoch": 2,
              "votes": [
                {
                  "signer": 3,
                  "signature": "04"
                }
              ]
            },
            "size": 6,
            "root": "07",
            "leaf": "08",
            "path": [
              "07",
              "08"
            ],
            "cosignatures": [
              {
                "key": "05",
                "signature": "06"
              }
            ]
          },
          "pins": [
            {
              "size": 1,
              "consistency": [
                "07",
                "08"
              ]
            }
          ],
          "items": [
            {
              "leaf": "01",
              "path": [
                "07",
                "08"
              ],
              "header": "02",
              "tx": {
                "index": 3,
                "payload": "04",
                "path": [
                  "07",
                  "08"
                ]
              },
              "op": {
                "index": 5,
                "bytes": "06",
                "path": [
                  "07",
                  "08"
                ]
              },
              "receipt": {
                "index": 7,
                "payload": "08",
                "links": "09",
                "alerts": "0a",
                "path": [
                  "07",
                  "08"
                ]
              },
              "states": [
                {
                  "namespace": 2,
                  "key": "6b",
                  "proof": {
                    "size": 9,
                    "position": 8,
                    "key": "07",
                    "value": "06",
                    "next": "05",
                    "leaf_path": [
                      "07",
                      "08"
                    ],
                    "bits": "04",
                    "twig_path": [
                      "07",
                      "08"
                    ]
                  }
                },
                {
                  "namespace": 2,
                  "key": "6c",
                  "value": "",
                  "proof": null
                }
              ],
              "logs": [
                {
                  "kind": 1,
                  "bucket": 0,
                  "subject": "424a3a31",
                  "head": "01",
                  "proof": {
                    "size": 9,
                    "position": 8,
                    "key": "07",
                    "value": "06",
                    "next": "05",
                    "leaf_path": [
                      "07",
                      "08"
                    ],
                    "bits": "04",
                    "twig_path": [
                      "07",
                      "08"
                    ]
                  },
                  "entries": [
                    {
                      "index": 1,
                      "height": 2,
                      "receipt_index": 3,
                      "receipt": "04",
                      "links": "05",
                      "alerts": "06",
                      "body": ""
                    },
                    {
                      "index": 1,
                      "height": 2,
                      "receipt_index": 3,
                      "receipt": "04",
                      "links": "05",
                      "alerts": "06"
                    }
                  ],
                  "first": 4,
                  "cover": [
                    "07",
                    "08"
                  ]
                },
                {
                  "kind": 4,
                  "bucket": 0,
                  "subject": "",
                  "proof": null,
                  "days": [
                    {
                      "bucket": 1,
                      "height": 2
                    }
                  ]
                }
              ]
            },
            {
              "leaf": "",
              "path": []
            }
          ],
          "claims": [
            {
              "kind": {
                "event": {
                  "item": 0
                }
              },
              "words_zh": "字",
              "words_en": "w"
            },
            {
              "kind": {
                "receipt": {
                  "item": 1
                }
              },
              "words_zh": "字",
              "words_en": "w"
            },
            {
              "kind": {
                "state": {
                  "item": 0,
                  "state": 1
                }
              },
              "words_zh": "字",
              "words_en": "w"
            },
            {
              "kind": {
                "trace": {
                  "item": 0,
                  "height": 8,
                  "starts": [
                    {
                      "kind": 1,
                      "key": "424a3a31"
                    }
                  ],
                  "direction": "both",
                  "unit_limit": 9,
                  "truncated": [
                    {
                      "kind": 1,
                      "key": "424a3a31"
                    }
                  ]
                }
              },
              "words_zh": "字",
              "words_en": "w"
            },
            {
              "kind": {
                "window": {
                  "item": 0,
                  "height": 8,
                  "subject": {
                    "kind": 1,
                    "key": "424a3a31"
                  },
                  "from_day": 1,
                  "to_day": 2
                }
              },
              "words_zh": "字",
              "words_en": "w"
            }
          ]
        }
    "#]]
    .assert_eq(&(full().to_json() + "\n"));
}

#[test]
fn both_forms_read_back_to_the_same_bundle() {
    for bundle in [full(), Bundle::default()] {
        assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
        assert_eq!(Bundle::from_json(&bundle.to_json()).unwrap(), bundle);
    }
}

#[test]
fn bytes_in_any_other_encoding_are_refused() {
    let good = full().to_bytes();
    let with = |more: &[u8]| [good.as_slice(), more].concat();
    for (name, bytes) in [
        ("an unknown field", with(&[0x7a, 0x01, 0x00])),
        ("a default written out", with(&[0x0a, 0x00])),
        ("genesis after everything else", [&good[4..], &good[..4]].concat()),
        ("a length in two bytes", [&[0x0a, 0x82, 0x00], &good[2..]].concat()),
    ] {
        assert_eq!(Bundle::from_bytes(&bytes), Err(BundleError::NotCanonical), "{name}");
    }
    for (name, bytes) in [
        ("cut", good[..good.len() - 1].to_vec()),
        ("a length beyond the end", vec![0x0a, 0x05, 0x00]),
        ("a group", vec![0x0b]),
    ] {
        let found = Bundle::from_bytes(&bytes);
        assert!(matches!(found, Err(BundleError::Malformed { .. })), "{name}: {found:?}");
    }
}

#[test]
fn json_with_anything_else_is_refused() {
    let good = full().to_json();
    for (name, from, to) in [
        ("an unknown name", "\"genesis\"", "\"more\": 1, \"genesis\""),
        ("a name left out", "\"genesis\": \"abcd\",", ""),
        ("capitals", "abcd", "ABCD"),
        ("half a byte", "abcd", "abc"),
        ("no digits", "abcd", "wxyz"),
        ("another direction", "\"both\"", "\"sideways\""),
        ("no direction", "\"both\"", "\"unspecified\""),
        ("a direction by number", "\"both\"", "3"),
        ("another claim", "\"event\"", "\"rumour\""),
        ("a negative size", "\"size\": 6", "\"size\": -6"),
    ] {
        assert!(good.contains(from), "{name}");
        let found = Bundle::from_json(&good.replacen(from, to, 1));
        assert!(matches!(found, Err(BundleError::Json { .. })), "{name}: {found:?}");
    }
}

/// Protobuf that names a part again and again, inside messages of these tags.
fn repeated(inside: &[u8], tag: u8, count: usize) -> Vec<u8> {
    let mut content = [tag << 3 | 2, 0].repeat(count);
    for outer in inside.iter().rev() {
        let mut message = vec![outer << 3 | 2];
        prost::encoding::encode_varint(u64::try_from(content.len()).unwrap(), &mut message);
        content = [message, content].concat();
    }
    content
}

/// Two bytes can name a part that takes four hundred in memory.
#[test]
fn empty_parts_without_number_are_refused_before_they_are_decoded() {
    let count = 100_000;
    for (name, inside, tag) in [
        ("hand-offs", &[][..], 2),
        ("pins", &[], 4),
        ("items", &[], 5),
        ("claims", &[], 6),
        ("signatures of a hand-off", &[2, 1], 3),
        ("signatures of a recovery", &[2, 2], 2),
        ("steps of a hand-off's path", &[2], 6),
        ("steps of its consistency", &[2], 8),
        ("cosignatures", &[2], 9),
        ("final signatures", &[3, 1], 3),
        ("steps of the final path", &[3], 5),
        ("final cosignatures", &[3], 6),
        ("steps of a pin", &[4], 2),
        ("steps of an item's path", &[5], 2),
        ("steps of a transaction's path", &[5, 4], 3),
        ("steps of an operation's path", &[5, 5], 3),
        ("steps of a receipt's path", &[5, 6], 5),
        ("states", &[5], 7),
        ("siblings of a state's leaf", &[5, 7, 4], 6),
        ("siblings of its twig", &[5, 7, 4], 8),
        ("logs", &[5], 8),
        ("siblings of a log's leaf", &[5, 8, 5], 6),
        ("siblings of its twig", &[5, 8, 5], 8),
        ("entries", &[5, 8], 6),
        ("days", &[5, 8], 7),
        ("subtrees of a log", &[5, 8], 9),
        ("starts", &[6, 4], 3),
        ("truncated", &[6, 4], 6),
    ] {
        let bytes = repeated(inside, tag, count);
        let found = Bundle::from_bytes(&bytes);
        assert!(matches!(found, Err(BundleError::TooManyParts { .. })), "{name}: {found:?}");
        assert!(Bundle::from_bytes(&repeated(inside, tag, 100)).is_ok(), "{name}: a few");
    }
    // What a decoder skips does not hide what stands behind it.
    let behind = [&[0x7b, 0x7c][..], &repeated(&[], 5, count)].concat();
    assert!(matches!(Bundle::from_bytes(&behind), Err(BundleError::Malformed { .. })));
}

#[test]
fn empty_parts_without_number_are_refused_in_json_too() {
    let with = |list: &str, element: &str, count: usize| {
        let list = format!("\"{list}\": [{}]", vec![element; count].join(","));
        format!("{{ \"genesis\": \"00\", \"final_head\": null, {list} }}")
    };
    let item = |list: &str| format!("{{\"leaf\":\"\",\"path\":[],\"{list}\":[");
    for (name, json) in [
        ("items", with("items", "{\"leaf\":\"\",\"path\":[]}", 100_000)),
        ("items as lists", with("items", "[\"\",[]]", 100_000)),
        (
            "items under an escaped name",
            with("it\\u0065ms", "{\"leaf\":\"\",\"path\":[]}", 100_000),
        ),
        ("pins", with("pins", "{}", 100_000)),
        (
            "steps of a path",
            with("items", &format!("{{\"path\":[{}]}}", vec!["\"\""; 100_000].join(",")), 1),
        ),
        ("logs", with("items", &(item("logs") + &vec!["{}"; 100_000].join(",") + "]}"), 1)),
    ] {
        let found = Bundle::from_json(&json);
        assert!(matches!(found, Err(BundleError::TooManyParts { .. })), "{name}: {found:?}");
    }
    let found = Bundle::from_json(&"[".repeat(1_000_000));
    assert!(matches!(found, Err(BundleError::Json { .. })), "{found:?}");
    // Brackets and quotes within strings are not structure.
    let text = "\\\"[{".repeat(100_000);
    let mut bundle = full();
    bundle.claims[0].words_en = text.replace("\\\"", "\"");
    assert_eq!(Bundle::from_json(&bundle.to_json()).unwrap(), bundle);
}

/// The densest parts that a true bundle has.
#[test]
fn a_bundle_of_nothing_but_days_and_short_subjects_is_read() {
    let days = (1..=100_000).map(|bucket| Day { bucket, height: u64::from(bucket) + 20_000 });
    let subjects =
        (0..100_000).map(|number| Subject { kind: 1, key: format!("TJ:{number}").into_bytes() });
    let trace = TraceClaim { truncated: subjects.collect(), direction: 1, ..TraceClaim::default() };
    let log = Log { kind: 4, days: days.collect(), ..Log::default() };
    let claim = Claim { kind: Some(ClaimKind::Trace(trace)), ..Claim::default() };
    let bundle = Bundle {
        items: vec![Item { logs: vec![log], ..Item::default() }],
        claims: vec![claim],
        ..Bundle::default()
    };
    assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
    let compact = serde_json::to_string(&bundle).unwrap();
    assert_eq!(Bundle::from_json(&compact).unwrap(), bundle);
}

proptest! {
    #[test]
    fn whatever_bytes_are_read_are_the_one_encoding(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
        mask in 1..=255_u8,
    ) {
        let mut flipped = full().to_bytes();
        let at = at.index(flipped.len());
        flipped[at] ^= mask;
        for bytes in [bytes, flipped] {
            if let Ok(bundle) = Bundle::from_bytes(&bytes) {
                prop_assert_eq!(bundle.to_bytes(), bytes);
                // A flipped byte may be a direction without a name: such JSON is refused.
                if let Ok(read) = Bundle::from_json(&bundle.to_json()) {
                    prop_assert_eq!(read, bundle);
                }
            }
        }
    }
}
