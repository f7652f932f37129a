//! The chapters, in the order of the story.

use anyhow::{Context as _, ensure};
use genesis::words::Language;
use proto::schema::OperationKind;
use serde_json::Value;

use super::goods::{MatchCounts, Whereabouts, count_matches, kilograms, whereabouts};
use super::narrator::Narrator;
use super::stage::{AGENCIES, BEIJING, HEBEI, PATIENCE, Stage, Submitted, TIANJIN, path_text};
use super::trust::{check, verify};
use crate::bundles::{flip_a_byte, leave_an_event_out};
use crate::programs;
use crate::tamper::change_a_weight;

/// The packet that a customer in Beijing scans.
const PACKET: &str = "BJ1101050690123456789221032100116";

/// Hebei's code of the lot that the packet comes from.
const LOT: &str = "HE91130209MA0DE3011X00031720210310001015";

/// One code of each kind of match: confirmed, one-sided, in doubt.
const MATCHED: [(&str, &str, &str); 3] = [
    ("BJ110106069012345678922103180001L", "MATCH_STATUS_CONFIRMED", "BC-20210318-07"),
    ("BJ110112069300000000112103210034Z", "MATCH_STATUS_ONE_SIDED", "QHD-20210321-02"),
    ("BJ110112069012345678922103170032U", "MATCH_STATUS_IN_DOUBT", "CFD-20210317-01"),
];

/// What the packet comes from, as it must appear in its trace.
const ORIGIN: [&str; 5] = [
    "JJJ-DEMO-TJ:040320211000000101:001:000001",
    "JJJ-DEMO-HE:91130209MA0DE3011X:000317:20210310:00101",
    "040320211000000101-1",
    "RJ040321000101",
    "MOB-A-2020",
];

/// How the demo is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Language.
    pub language: Language,
    /// What happens to the nodes afterwards.
    pub afterwards: Afterwards,
}

/// What happens to the nodes when the story is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Afterwards {
    /// They are stopped and their folder is removed.
    Stop,
    /// They run on, and the narrator says how to query them.
    Keep,
}

/// Tells the story; an error names the first claim that did not hold.
pub async fn tell(options: Options) -> anyhow::Result<()> {
    let mut teller = Narrator::new(options.language);
    let mut stage = opening(&mut teller).await?;
    exports(&mut teller, &stage)?;
    matches(&mut teller, &stage).await?;
    planted_alerts(&mut teller, &stage).await?;
    packet(&mut teller, &stage).await?;
    let alert = positive(&mut teller, &stage).await?;
    node_killed(&mut teller, &mut stage, &alert).await?;
    weight_changed(&mut teller, &mut stage).await?;
    proof(&mut teller, &stage)?;
    correction(&mut teller, &stage, &alert).await?;
    teller.end();
    if options.afterwards == Afterwards::Keep {
        keep(&teller, &mut stage)?;
    }
    Ok(())
}

async fn opening(teller: &mut Narrator) -> anyhow::Result<Stage> {
    teller.chapter(
        "三家机构各起一个节点（jjj-genesis、jjj-node）",
        "Three agencies start a node each (jjj-genesis, jjj-node)",
    );
    let mut stage = Stage::build()?;
    teller.say(
        format!("创世文件摘要（核验只需信任它）{}", stage.chain),
        format!("hash of the genesis document, all that a verifier trusts: {}", stage.chain),
    );
    stage.net.start_all()?;
    stage.net.executed(&[BEIJING, TIANJIN, HEBEI], 1, PATIENCE).await?;
    let status = stage.net.jjj(BEIJING, &["--lang", teller.lang(), "status"])?.expect(0)?;
    teller.show(&status.out, 12);
    stage.agree_on_rules()?;
    teller.say(
        "三套示例编码规则和结算时间已由一家提出、另一家同意",
        "three demo code schemes and the settling time: proposed by one agency, approved by another",
    );
    Ok(stage)
}

fn told_rows(teller: &Narrator, name: &str, found: &Submitted) {
    let (rows, accepted, rejected) = (found.rows, found.accepted, found.rejected.len());
    teller.say(
        format!("{name}：读入 {rows} 行，上链 {accepted} 条，退回 {rejected} 行"),
        format!("{name}: {rows} rows in, {accepted} operations recorded, {rejected} rejected"),
    );
    for row in &found.rejected {
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        teller.say(
            format!(
                "    第 {} 行 {} [{}] {}",
                row["row"],
                text("column"),
                text("rule"),
                text("zh")
            ),
            format!("    row {} {} [{}] {}", row["row"], text("column"), text("rule"), text("en")),
        );
    }
}

fn exports(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<()> {
    teller.chapter(
        "三种平台导出，不改一字直接提交（GB18030 CSV、嵌套 JSON、XML）",
        "Three platforms' exports, submitted unchanged (GB18030 CSV, nested JSON, XML)",
    );
    let files = [
        (BEIJING, "beijing/registry.csv", "beijing/registry.toml", "BAD_CHECK"),
        (BEIJING, "beijing/events.csv", "beijing/events.toml", ""),
        (TIANJIN, "tianjin/export.json", "tianjin/mapping.toml", "UNREADABLE_TIME"),
        (HEBEI, "hebei/export.xml", "hebei/mapping.toml", "PERSONAL_DATA"),
    ];
    for (agency, file, mapping, broken) in files {
        let found = stage.submit(agency, file, mapping)?;
        told_rows(teller, file, &found);
        ensure!(found.operations > 0 && found.accepted == found.operations, "{file}: {found:?}");
        let rules: Vec<&str> =
            found.rejected.iter().filter_map(|row| row["rule"].as_str()).collect();
        let expected: Vec<&str> = [broken].into_iter().filter(|rule| !rule.is_empty()).collect();
        ensure!(rules == expected, "{file}: rejected by {rules:?}, expected {expected:?}");
    }
    let abroad = stage.submit_as(HEBEI, "epcis/beef-chain.jsonld", "epcis")?;
    told_rows(teller, "epcis/beef-chain.jsonld", &abroad);
    ensure!((abroad.accepted, abroad.rejected.len()) == (27, 0), "{abroad:?}");
    let again = stage.submit(TIANJIN, "tianjin/export.json", "tianjin/mapping.toml")?;
    let before = again.already_recorded;
    ensure!(again.accepted == 0 && before == again.operations, "{again:?}");
    teller.say(
        format!("天津的文件再交一次：上链 0 条，{before} 条早已上链"),
        format!("Tianjin's file once more: 0 recorded, {before} recorded before"),
    );
    Ok(())
}

async fn matches(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<()> {
    teller.chapter("跨省码匹配", "Codes of one province matched to those of another");
    let counts = count_matches(stage, BEIJING).await?;
    let MatchCounts { confirmed, one_sided, in_doubt } = counts;
    teller.say(
        format!("双方确认 {confirmed} 对（自动），单方 {one_sided} 对，存疑 {in_doubt} 对"),
        format!("{confirmed} confirmed by both sides, {one_sided} one-sided, {in_doubt} in doubt"),
    );
    let expected = MatchCounts { confirmed: 27, one_sided: 1, in_doubt: 1 };
    ensure!(counts == expected, "{counts:?}, expected {expected:?}");
    for (code, status, document) in MATCHED {
        let answer = stage.ask(BEIJING, &["match", code])?;
        let found = answer["matches"].as_array().context("matches")?;
        let one = found.iter().find(|one| one["status"] == status);
        let one = one.with_context(|| format!("{code}: no {status} in {found:?}"))?;
        let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
        ensure!(text("document").contains(document), "{code}: {one}");
        teller.say(
            format!("{document}：{} = {}，{}", text("from"), text("to"), text("zh")),
            format!("{document}: {} = {}, {}", text("from"), text("to"), text("en")),
        );
    }
    Ok(())
}

async fn planted_alerts(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<()> {
    teller.chapter("预警：缺少证明、超量出库", "Alerts: a missing certificate, an over-quantity");
    let alerts = stage
        .net
        .until(PATIENCE, "R01 and R12, and no other alert", async || {
            stage.alerts(BEIJING, &[]).ok().filter(|alerts| {
                let mut rules: Vec<&str> =
                    alerts.iter().filter_map(|alert| alert["rule"].as_str()).collect();
                rules.sort_unstable();
                rules == ["R01", "R12"]
            })
        })
        .await?;
    for alert in &alerts {
        tell_alert(teller, alert);
    }
    let texts: Vec<&str> = alerts.iter().filter_map(|alert| alert["zh"].as_str()).collect();
    ensure!(texts.contains(&"超量出库：入库 100 箱，出库 120 箱"), "{texts:?}");
    Ok(())
}

fn tell_alert(teller: &Narrator, alert: &Value) {
    let text = |field: &str| alert[field].as_str().unwrap_or_default().to_owned();
    teller.say(
        format!("{} {}（第 {} 块）", text("rule"), text("zh"), alert["raised_height"]),
        format!("{} {} (height {})", text("rule"), text("en"), alert["raised_height"]),
    );
}

async fn packet(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<()> {
    teller.chapter(
        "顾客扫一个北京小包的码，一路查到天津的箱、河北的批、报关单和境外牧场",
        "A packet in Beijing traced to Tianjin's box, Hebei's lot, the declaration, the ranches abroad",
    );
    // The proof is as of a certified height: the last block must be below a checkpoint.
    let height = stage.net.until(PATIENCE, "a status", async || stage.net.status(BEIJING).await);
    stage.net.hardened(height.await?.executed, PATIENCE).await?;
    let file = stage.file("packet.proof");
    let lang = teller.lang();
    let arguments =
        ["--lang", lang, "trace", PACKET, "--direction", "back", "--proof", path_text(&file)?];
    let told = stage.net.jjj(BEIJING, &arguments)?.expect(0)?.out;
    teller.show(&told, 22);
    for name in ORIGIN {
        ensure!(told.contains(name), "the trace of {PACKET} does not lead to {name}:\n{told}");
    }
    let complete = teller.pick("完整", "complete");
    ensure!(told.contains(complete), "the trace is not proved complete:\n{told}");
    Ok(())
}

async fn positive(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<Value> {
    teller.chapter(
        "留样复检阳性：哪些箱、在谁手里、坐标、哪辆车",
        "A positive sample: which boxes, whose hands, coordinates, which truck",
    );
    let found = stage.submit(HEBEI, "hebei/positive.xml", "hebei/mapping.toml")?;
    ensure!(found.alerts.iter().any(|alert| alert["code"] == 24), "{found:?}");
    let height = found.last_height;
    stage.net.executed(&[BEIJING, TIANJIN, HEBEI], height, PATIENCE).await?;
    let mut seen: Vec<Value> = Vec::new();
    for node in [BEIJING, TIANJIN, HEBEI] {
        let alert = stage
            .net
            .until(PATIENCE, "R24 with all its units", async || {
                let alerts = stage.alerts(node, &[]).ok()?;
                alerts.into_iter().find(|alert| {
                    alert["rule"] == "R24" && alert["units"].as_array().map(Vec::len) == Some(65)
                })
            })
            .await?;
        ensure!(alert["raised_height"] == height, "raised at {}", alert["raised_height"]);
        let block = stage.ask(node, &["block", &height.to_string()])?;
        let (name, ..) = AGENCIES.get(node).context("an agency")?;
        let hash = block["block_hash"].as_str().unwrap_or_default().to_owned();
        teller.say(
            format!("{name} 节点：第 {height} 块 {hash}"),
            format!("node of {name}: height {height}, block {hash}"),
        );
        seen.push(serde_json::json!([alert, hash]));
    }
    let first = seen.first().context("three nodes answered")?.clone();
    ensure!(seen.iter().all(|one| *one == first), "the nodes differ: {seen:#?}");
    let alert = first[0].clone();
    tell_alert(teller, &alert);
    let found = whereabouts(stage, TIANJIN, &alert, LOT)?;
    tell_whereabouts(teller, &found);
    ensure!(
        [found.sold, found.disposed, found.in_stock, found.in_transit]
            == [130_000, 100_000, 770_000, 200_000],
        "{found:?}"
    );
    ensure!(found.places.iter().map(|place| place.milli).sum::<u64>() == 770_000, "{found:?}");
    ensure!(found.trips.iter().any(|(document, ..)| document == "BC-20210401-02"), "{found:?}");
    Ok(alert)
}

fn tell_whereabouts(teller: &Narrator, found: &Whereabouts) {
    for place in &found.places {
        let (kg, units) = (kilograms(place.milli), place.units);
        teller.say(
            format!("在库 {kg}（{units} 个单元）：{}，{}", place.party, place.station),
            format!("in stock {kg} ({units} units): {}, {}", place.party, place.station),
        );
    }
    for (document, vehicle, units) in &found.trips {
        teller.say(
            format!("在途：{vehicle}，单号 {document}，{units} 个单元"),
            format!("in transit: {vehicle}, document {document}, {units} units"),
        );
    }
    let [sold, stock, road, gone] =
        [found.sold, found.in_stock, found.in_transit, found.disposed].map(kilograms);
    let total = kilograms(found.total());
    teller.say(
        format!("已售（含使用）{sold} + 在库 {stock} + 在途 {road} + 已销毁 {gone} = {total}"),
        format!("sold or used {sold} + in stock {stock} + in transit {road} + destroyed {gone} = {total}"),
    );
}

async fn node_killed(
    teller: &mut Narrator,
    stage: &mut Stage,
    alert: &Value,
) -> anyhow::Result<()> {
    teller.chapter(
        "kill -9 天津节点：其余两家照常工作，发布召回公告；天津回来后补齐",
        "kill -9 of Tianjin's node: the others work on and publish a recall notice; it comes back",
    );
    stage.net.kill(TIANJIN)?;
    let id = alert["id"].as_str().context("an alert has an id")?;
    let title = "召回示例冷冻牛肉";
    let notice = ["release", "publish", "2021-0402", "--kind", "recall_notice", "--title", title];
    let rest = ["--body", "留样复检阳性，请停止销售", "--code", LOT, "--alert", id];
    let published = stage.ask(BEIJING, &[&notice[..], &rest[..]].concat())?;
    let height = published["height"].as_u64().context("a receipt has a height")?;
    teller.say(
        format!("公告已上链：第 {height} 块（两家签认）"),
        format!("the notice is recorded at height {height}, agreed on by two"),
    );
    let status = stage.net.status(BEIJING).await.context("Beijing's node answers")?;
    ensure!(status.hardened < height, "nothing hardens without Tianjin");
    stage.net.start(TIANJIN)?;
    stage.net.executed(&[BEIJING, TIANJIN, HEBEI], height, PATIENCE).await?;
    stage.net.hardened(height, PATIENCE).await?;
    let stand = stage.net.agreed(PATIENCE).await?;
    let root = hex::encode(stand.state_root);
    teller.say(
        format!("天津已补齐，三地全部签认；状态根一致 {root}"),
        format!("Tianjin has caught up, everything is hardened; one state root {root}"),
    );
    let listed = stage.ask(TIANJIN, &["release", "list"])?;
    ensure!(listed.to_string().contains("2021-0402"), "Tianjin shows the notice: {listed}");
    Ok(())
}

async fn weight_changed(teller: &mut Narrator, stage: &mut Stage) -> anyhow::Result<()> {
    teller.chapter(
        "停下河北节点，有人在库里改了一个重量：jjj-node check 查出并指明",
        "Hebei's node stops, somebody changes one weight in its database: jjj-node check names it",
    );
    ensure!(stage.net.stop(HEBEI).await?.success(), "the node stops well");
    let home = stage.net.node(HEBEI)?.home.clone();
    check(stage, HEBEI, teller.lang())?.expect(0)?;
    let changed = change_a_weight(&home, OperationKind::Ship, 100_000)?;
    teller.say(
        format!(
            "{} 由 {} 改为 {}",
            changed.code,
            kilograms(changed.before),
            kilograms(changed.after)
        ),
        format!(
            "{}: {} became {}",
            changed.code,
            kilograms(changed.before),
            kilograms(changed.after)
        ),
    );
    let found = check(stage, HEBEI, teller.lang())?.expect(1)?;
    teller.show(&found.out, 6);
    let place = format!("height {}, transaction {}", changed.height, changed.position);
    ensure!(found.out.contains(&place), "expected {place} in {}", found.out);
    changed.undo(&home)?;
    check(stage, HEBEI, teller.lang())?.expect(0)?;
    stage.net.start(HEBEI)?;
    stage.net.agreed(PATIENCE).await?;
    teller.say("改回原值后核查通过，节点重新加入", "put back, it passes the check and joins again");
    Ok(())
}

fn proof(teller: &mut Narrator, stage: &Stage) -> anyhow::Result<()> {
    teller.chapter(
        "第三方只凭创世摘要离线核验存证文件（jjj-verify）",
        "A stranger verifies the proof offline, with the genesis hash alone (jjj-verify)",
    );
    let bundle = stage.file("packet.proof");
    let verified = verify(stage, &bundle, teller.lang())?.expect(0)?;
    teller.show(&verified.out, 6);
    let flipped = stage.file("flipped.proof");
    let at = flip_a_byte(&bundle, &flipped)?;
    teller.say(format!("改动第 {at} 字节："), format!("byte {at} flipped:"));
    let refused = verify(stage, &flipped, teller.lang())?.expect(1)?;
    teller.show(&format!("{}{}", refused.out, refused.err), 3);
    let shortened = stage.file("shortened.proof");
    leave_an_event_out(&bundle, &shortened)?;
    teller.say("删去一条记录：", "one event left out:");
    let refused = verify(stage, &shortened, teller.lang())?.expect(1)?;
    let told = format!("{}{}", refused.out, refused.err);
    teller.show(&told, 3);
    let missing = teller.pick("缺少第", "is missing");
    ensure!(told.contains(missing), "the missing event is not named: {told}");
    Ok(())
}

async fn correction(teller: &mut Narrator, stage: &Stage, alert: &Value) -> anyhow::Result<()> {
    teller.chapter(
        "复检报告有误，更正后预警撤回，公告撤销",
        "The report was wrong: corrected, the alert is withdrawn, the notice too",
    );
    let found = stage.submit_as(HEBEI, "hebei/correction.ndjson", "native")?;
    ensure!((found.accepted, found.rejected.len()) == (1, 0), "{found:?}");
    stage.net.executed(&[BEIJING, TIANJIN, HEBEI], found.last_height, PATIENCE).await?;
    for node in [BEIJING, TIANJIN, HEBEI] {
        let withdrawn = stage.net.until(PATIENCE, "R24 withdrawn", async || {
            let alerts = stage.alerts(node, &["--all"]).ok()?;
            let same = |one: &&Value| one["id"] == alert["id"];
            let found = alerts.iter().find(same)?;
            (found["state"] == "ALERT_STATE_WITHDRAWN").then(|| found.clone())
        });
        let withdrawn = withdrawn.await?;
        if node == BEIJING {
            tell_alert(teller, &withdrawn);
        }
    }
    let open = stage.alerts(BEIJING, &[])?;
    ensure!(open.iter().all(|one| one["rule"] != "R24"), "{open:?}");
    stage.ask(BEIJING, &["release", "withdraw", "2021-0402", "--reason", "复检报告有误"])?;
    teller.say(
        "三地节点均已撤回预警；原记录仍在，更正附于其后",
        "all three nodes have withdrawn it; the old record stays, the correction stands beside it",
    );
    Ok(())
}

fn keep(teller: &Narrator, stage: &mut Stage) -> anyhow::Result<()> {
    let program = programs::find("jjj")?;
    stage.net.keep_folder();
    let folder = stage.net.folder().to_owned();
    let home = folder.join("net/beijing");
    let pids: Vec<String> = stage.net.let_run().iter().map(u32::to_string).collect();
    teller.say("三个节点仍在运行。查询：", "the three nodes run on. Query them:");
    let password = folder.join("password");
    for arguments in [format!("trace {PACKET}"), "alerts --all".to_owned(), "status".to_owned()] {
        let command = format!("{} --home {} {arguments}", program.display(), home.display());
        teller.say(&command, &command);
    }
    teller.say(
        format!("提交需口令文件 {}；停止：kill {}", password.display(), pids.join(" ")),
        format!(
            "submitting needs --password-file {}; stop: kill {}",
            password.display(),
            pids.join(" ")
        ),
    );
    Ok(())
}
