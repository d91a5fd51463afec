from bench.steps import table


def test_the_sum_is_of_the_webhooks_own_steps() -> None:
    rows = table({"decode": 100.0, "decide": 25.5, "bare": 90.0}, {"the webhook": 400.4}).splitlines()
    assert rows[2:] == [
        "| decode | 100.0 |",
        "| decide | 25.5 |",
        "| **all of these steps** | 125.5 |",
        "| decode and answer of the strict bare handler | 90.0 |",
        "| whole request, running: the webhook | 400.4 |",
    ]
