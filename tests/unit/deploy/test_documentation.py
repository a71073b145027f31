"""The pages generated from the code agree with the code."""

from deploy.documentation import DOCS, pages


def test_the_committed_pages_are_current() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text() == text, f"docs/{name} is not current: run `make docs`"


def test_they_say_what_each_setting_and_metric_means() -> None:
    made = pages()
    assert "| `LINKWORK_MASTER_KEY_FILE` |" in made["settings.md"]
    assert "| `linkwork_events_consumed_total` | counter |" in made["metrics.md"]
