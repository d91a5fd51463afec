"""`evidence-gate evidence list` by a configuration."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.listing import DIGEST, IMAGE, STAGING, STRANGER, counted, document, listed, run, signed, site, table
from tests.support.envelopes import bundle, dump, envelope
from tests.support.statements import OTHER_IMAGE, statement
from webhook.cli.evidence_table import age_text
from webhook.limits import LIMITS
from webhook.reasons import ReasonCode

OLD: dict[str, Any] = {"observedFrom": "2020-01-01T00:00:00Z", "observedUntil": "2020-01-02T00:00:00Z"}
AHEAD: dict[str, Any] = {"observedUntil": "2999-01-01T00:00:00Z"}


def one(folder: Path, content: bytes, **policy: Any) -> dict[str, Any]:
    """The entry of the only statement there is."""
    (entry,) = document(listed(site(folder, {"a.json": content}, **policy), "-o", "json"))["statements"]
    assert isinstance(entry, dict)
    return entry


def test_a_statement_that_counts_is_a_row_with_everything_about_it(tmp_path: Path) -> None:
    content = signed()
    result = listed(site(tmp_path, {"cart.json": content}))
    assert result.exit_code == 0
    (row,) = table(result)
    age = row.pop("AGE")
    assert age.endswith("d")
    assert int(age[:-1]) >= 4
    assert row == {
        "RESULT": "counts",
        "KIND": "execution-evidence",
        "ENVIRONMENT": "staging",
        "OBSERVED UNTIL": "2026-11-24T06:00:00Z",
        "COUNTS": "hot symbols: 42, call paths: 17",
        "SIGNED BY": "staging",
        "ENVELOPE": f"sha256:{sha256(content).hexdigest()[:12]}",
        "WHERE": "directory:cart.json",
        "DETAIL": "",
    }


def test_the_image_stands_above_and_the_gates_verdict_below(tmp_path: Path) -> None:
    lines = listed(site(tmp_path, {"cart.json": signed()})).stdout.splitlines()
    assert lines[0] == f"image: {IMAGE}"
    verdict = "Execution evidence meets quality thresholds (hot symbols: 42, call paths: 17)"
    assert lines[-1] == f"production: Pass: {verdict}"


MISSING = "No execution evidence found for this artifact in required environment"
NOT_PASSED: dict[str, tuple[dict[str, bytes], dict[str, Any], list[str]]] = {
    "nothing": (
        {},
        {},
        [
            f"production: Fail: {MISSING} (EvidenceMissing)",
            "next: run it in staging with profiling on, then `evidence-gate attest`",
        ],
    ),
    "from an environment that only one of two accepts": (
        {"a.json": signed(environment="perf")},
        {
            "RequiredEnvironments": ["production", "canary", "edge"],
            "Overrides": {"canary": {"EvidenceEnvironments": ["perf"]}},
        },
        [
            f"production: Fail: {MISSING} (EvidenceFromOtherEnvironment)",
            "canary: Pass: Execution evidence meets quality thresholds (hot symbols: 42, call paths: 17)",
            f"edge: Fail: {MISSING} (EvidenceFromOtherEnvironment)",
            "next: run it in staging with profiling on, then `evidence-gate attest`",
        ],
    ),
    "missing, with a warning": (
        {},
        {"MissingEvidenceAction": "Warn", "EvidenceEnvironments": ["perf"]},
        [
            "production: Warn: No execution evidence found for this artifact (warn mode) (EvidenceMissing)",
            "next: run it in perf with profiling on, then `evidence-gate attest`",
        ],
    ),
}


@pytest.mark.parametrize("case", NOT_PASSED)
@pytest.mark.parametrize("command", ["list", "show"])
def test_a_verdict_that_is_no_pass_has_its_reason_and_one_next_step(case: str, command: str, tmp_path: Path) -> None:
    files, policy, lines = NOT_PASSED[case]
    result = listed(site(tmp_path, files, **policy), command=command)
    assert result.stdout.splitlines()[-len(lines) :] == lines
    assert result.stdout.count("next: ") == 1


def test_beacon_data_is_a_row_with_its_own_counts(tmp_path: Path) -> None:
    (row,) = table(listed(site(tmp_path, {"b.json": counted()})))
    assert (row["RESULT"], row["KIND"], row["COUNTS"]) == (
        "counts",
        "beacon-attestation",
        "beacons verified: 9 of 10",
    )


REFUSED: dict[str, tuple[bytes, dict[str, Any], str, str]] = {
    "a stranger's": (signed(STRANGER), {}, "EvidenceUntrusted", "signed by no key that is trusted"),
    "nobody's": (
        dump(envelope(statement(subjects=[DIGEST]), [])),
        {},
        "EvidenceUntrusted",
        "signed by no key that is trusted",
    ),
    "not of our kind": (
        dump(envelope(statement(subjects=[DIGEST], predicateType="https://slsa.dev/provenance/v1"), [STAGING])),
        {},
        "EvidenceMissing",
        "a statement of another predicate type",
    ),
    "with a broken predicate": (
        signed(hotSymbolCount=-1),
        {},
        "EvidenceMalformed",
        "the predicate is not valid at `hotSymbolCount`",
    ),
    "from elsewhere": (
        signed(environment="production"),
        {},
        "EvidenceFromOtherEnvironment",
        "observed in environment 'production', and only staging counts",
    ),
    "too old": (
        signed(**OLD),
        {"MaxEvidenceAge": "720h"},
        "EvidenceStale",
        "observed until 2020-01-02T00:00:00Z, which is older than MaxEvidenceAge (720h)",
    ),
    "from the future": (
        signed(**AHEAD),
        {},
        "EvidenceMalformed",
        "observed until 2999-01-01T00:00:00Z, which lies in the future",
    ),
    "with too little": (signed(hotSymbolCount=2), {}, "EvidenceInsufficient", "below a threshold of the gate"),
    "beacons that were lost": (
        counted(beaconsVerified=1),
        {},
        "BeaconRateInsufficient",
        "below a threshold of the gate",
    ),
    "beacons of which none was expected": (
        counted(beaconsVerified=0, beaconsExpected=0),
        {},
        "BeaconDataMissing",
        "no beacons expected, which gives no rate",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_statement_that_does_not_count_is_listed_with_its_reason(case: str, tmp_path: Path) -> None:
    content, policy, reason, detail = REFUSED[case]
    result = listed(site(tmp_path, {"a.json": content}, **policy))
    assert result.exit_code == 1
    (row,) = table(result)
    assert (row["RESULT"], row["WHERE"], row["DETAIL"]) == (reason, "directory:a.json", detail)
    assert result.stdout.splitlines()[-1].startswith("next: ")


@pytest.mark.parametrize("case", ["a stranger's", "nobody's", "with a broken predicate"])
def test_what_nobody_may_believe_is_not_told(case: str, tmp_path: Path) -> None:
    entry = one(tmp_path, REFUSED[case][0])
    assert not entry["verified"]
    assert not {"kind", "environment", "signers", "observedUntil", "hotSymbolCount"} & set(entry)


def test_what_is_verified_and_does_not_count_is_told(tmp_path: Path) -> None:
    entry = one(tmp_path, signed(**OLD), MaxEvidenceAge="720h")
    assert (entry["verified"], entry["counts"], entry["hotSymbolCount"]) == (True, False, 42)


def test_anybodys_word_counts_where_the_policy_says_so_and_is_not_called_verified(tmp_path: Path) -> None:
    entry = one(tmp_path, signed(STRANGER), MinLane="Asserted")
    assert (entry["verified"], entry["counts"], entry["signers"]) == (False, True, [])


def test_a_statement_counts_if_one_of_the_environments_accepts_it(tmp_path: Path) -> None:
    overrides = {"canary": {"EvidenceEnvironments": ["perf"]}}
    folder = site(
        tmp_path,
        {"a.json": signed(environment="perf")},
        RequiredEnvironments=["production", "canary"],
        Overrides=overrides,
    )
    found = document(listed(folder, "-o", "json"))
    assert [entry["counts"] for entry in found["statements"]] == [True]
    assert [(entry["environment"], entry["verdict"]) for entry in found["verdicts"]] == [
        ("production", "Fail"),
        ("canary", "Pass"),
    ]


NOT_FOR_THIS = "signed by staging, which may not speak for environment 'staging' and this repository"


@pytest.mark.parametrize(
    ("pattern", "result", "detail"),
    [
        ("registry.example.com/shop/*", "counts", ""),
        ("registry.example.com/other/*", "EvidenceUntrusted", NOT_FOR_THIS),
    ],
)
def test_a_key_vouches_for_the_repositories_that_it_may_speak_for(
    pattern: str, result: str, detail: str, tmp_path: Path
) -> None:
    folder = site(tmp_path, {"a.json": signed()})
    config = json.loads((folder / "gate.json").read_text())
    config["trust"]["keys"][0]["repositories"] = [pattern]
    (folder / "gate.json").write_text(json.dumps(config))
    (row,) = table(listed(folder))
    assert (row["RESULT"], row["DETAIL"]) == (result, detail)


def test_the_gate_is_asked_for_the_environments_of_beacons_too(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed(), "b.json": counted(beaconsVerified=1)})
    config = json.loads((folder / "gate.json").read_text())
    beacons = {"Enabled": True, "MissingBeaconAction": "Block", "RequiredEnvironments": ["edge", "production"]}
    config["PolicyGates"]["BeaconRate"] = beacons
    (folder / "gate.json").write_text(json.dumps(config))
    verdicts = document(listed(folder, "-o", "json"))["verdicts"]
    assert [(entry["environment"], entry["verdict"], entry["reasons"]) for entry in verdicts] == [
        ("production", "Fail", ["BeaconRateInsufficient"]),
        ("edge", "Fail", ["BeaconRateInsufficient"]),
    ]


def test_an_observation_that_ends_in_the_future_has_no_age(tmp_path: Path) -> None:
    (row,) = table(listed(site(tmp_path, {"a.json": signed(**AHEAD)})))
    assert row["AGE"] == "future"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((-1, "future"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h")),
        *((86399, "23h"), (86400, "1d"), (86400 * 400, "400d")),
    ],
)
def test_an_age_is_written_by_its_largest_unit(seconds: float, text: str) -> None:
    assert age_text(timedelta(seconds=seconds)) == text


def test_what_counts_comes_first_and_the_newest_of_it(tmp_path: Path) -> None:
    files = {
        "1.json": signed(STRANGER),
        "2.json": signed(**OLD),
        "3.json": signed(hotSymbolCount=1),
        "4.json": signed(),
    }
    rows = table(listed(site(tmp_path, files)))
    assert [row["WHERE"].removeprefix("directory:")[0] for row in rows] == ["4", "2", "3", "1"]


def test_a_bundle_is_listed_as_an_envelope_is(tmp_path: Path) -> None:
    content = dump(bundle(envelope(statement(subjects=[DIGEST]), [STAGING])))
    assert one(tmp_path, content)["counts"] is True


def test_statements_about_other_images_are_not_listed(tmp_path: Path) -> None:
    other = dump(envelope(statement(subjects=[OTHER_IMAGE]), [STAGING]))
    result = listed(site(tmp_path, {"a.json": other}))
    assert result.exit_code == 1
    assert "no statement about this image" in result.stdout
    assert "next: run it in staging with profiling on, then `evidence-gate attest`" in result.stdout


def test_the_advice_ends_with_the_sites_own_page(tmp_path: Path) -> None:
    folder = site(tmp_path, {})
    config = folder / "gate.json"
    config.write_text(config.read_text()[:-1] + ', "helpUrl": "https://example.com/help"}')
    assert listed(folder).stdout.endswith("; see https://example.com/help\n")


def test_files_that_hold_no_envelope_are_named(tmp_path: Path) -> None:
    files = {f"{number}.txt": b"hello" for number in range(7)}
    result = listed(site(tmp_path, {"cart.json": signed(), **files}))
    assert result.exit_code == 0
    names = "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, …"
    assert f"note: directory: files that hold no envelope, for whatever image: {names}\n" in result.stdout
    assert result.stderr == ""


def test_that_not_all_is_looked_at_is_said(tmp_path: Path) -> None:
    files = {f"{number:03}.json": signed(hotSymbolCount=3 + number) for number in range(LIMITS.candidates + 1)}
    result = listed(site(tmp_path, files))
    assert len(table(result)) == LIMITS.candidates
    assert f"at most {LIMITS.candidates} statements in one store are looked at" in result.stdout


def test_a_store_that_cannot_be_read_is_a_row_and_exits_with_3(tmp_path: Path) -> None:
    folder = site(tmp_path, {"cart.json": signed()})
    (folder / "evidence" / "gone.json").symlink_to("nowhere")
    result = listed(folder)
    assert result.exit_code == 3
    good, gap = table(result)
    assert good["RESULT"] == "counts"
    assert (gap["RESULT"], gap["WHERE"]) == ("EvidenceUnavailable", "directory")
    assert gap["DETAIL"] == "store directory: a file cannot be read"
    assert document(listed(folder, "-o", "json"))["complete"] is False


def test_nothing_in_a_store_that_cannot_be_read_is_not_called_nothing(tmp_path: Path) -> None:
    folder = site(tmp_path, {})
    (folder / "evidence").rmdir()
    result = listed(folder)
    assert result.exit_code == 3
    assert "no statement about this image" not in result.stdout
    assert "next: try again" in result.stdout


def test_values_are_shown_even_where_the_gate_may_not_show_them(tmp_path: Path) -> None:
    folder = site(tmp_path, {"cart.json": signed()})
    config = folder / "gate.json"
    config.write_text(config.read_text().replace('"allowRawValues": true', '"allowRawValues": false'))
    assert table(listed(folder))[0]["COUNTS"] == "hot symbols: 42, call paths: 17"


def test_every_reason_fits_its_column(tmp_path: Path) -> None:
    rows = table(listed(site(tmp_path, {"a.json": signed(environment="production")})))
    assert rows[0]["RESULT"] == "EvidenceFromOtherEnvironment"
    assert max(len(reason) for reason in ReasonCode) <= 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([IMAGE], "give either --config, or whom to believe"),
        ([IMAGE, "--config", "{folder}/gate.json", "--key", "{folder}/staging.pub"], "give either --config"),
        ([IMAGE, "--key", "{folder}/staging.pub", "--kubeconfig", "{folder}/gate.json"], "goes with --config"),
        (["Not An Image", "--config", "{folder}/gate.json"], "no image reference"),
        (["shop/cart@sha512:00", "--config", "{folder}/gate.json"], "its digest is not `sha256:`"),
        ([IMAGE, "--config", "{folder}/gate.json", "-n", "Not_A_Namespace"], "write the name of a namespace"),
        ([IMAGE, "--config", "{folder}/staging.pub"], "staging.pub"),
        ([f"{IMAGE.partition('@')[0]}:1.0", "--config", "{folder}/gate.json"], "name it by digest"),
    ],
)
@pytest.mark.parametrize("command", ["list", "show"])
def test_a_usage_or_configuration_error_exits_with_2(
    command: str, arguments: list[str], message: str, tmp_path: Path
) -> None:
    folder = site(tmp_path, {})
    result = run(command, *(argument.format(folder=folder) for argument in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_the_cluster_store_needs_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    folder = site(tmp_path, {})
    config = folder / "gate.json"
    config.write_text(config.read_text().replace('"directory": {"path": "evidence"}', '"cluster": {}'))
    assert listed(folder).exit_code == 2
