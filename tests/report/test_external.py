"""What an evaluation says of the model and the data; the model was made elsewhere."""

from report.content import Lineage
from report.model_card import model_card
from report.scans import sum_up
from schema.metrics import MetricRow
from tests.report.facts import content
from tests.report.test_model_card import MODEL, card_content, scan
from tests.report.test_page import words

LINEAGE = Lineage(MODEL, is_evaluation=True, warnings=("the truth is another",))


def test_card_takes_nothing_of_the_model_from_the_configuration() -> None:
    card = model_card(card_content(scan("b", "eval"), lineage=LINEAGE))

    assert card["name"] is card["model"]["network"] is card["model"]["training"] is None
    assert card["training_data"]["patients"] is card["training_data"]["scans"] is None
    assert card["training_data"]["truths"] == ["spheres"]
    assert card["model"]["regions"] == ["lung"]
    assert card["warnings"] == ["The truth is another"]
    assert not [line for line in card["limits"] if "baseline" in line]


def test_page_says_that_it_is_an_evaluation() -> None:
    crop = scan("b", "eval", region="volume")
    text = words(card_content(crop, lineage=LINEAGE, data=sum_up([crop], ())))

    for line in (
        "An evaluation of a model that was made elsewhere",
        "code c0de ; made with tensorflow 2.16, keras 3.12",
        "judged on nodule-centred crops, not whole scans",
        "The truth is another.",
        "layers and training not known",
        "patients not known",
    ):
        assert line in text
    for line in ("may be pushed", "No baseline", "Train split", "train | eval", "from nowhere"):
        assert line not in text


def test_train_split_is_shown_where_it_has_figures() -> None:
    rows = (MetricRow("train", "all", "pooled_dice", 0.75),)
    assert "Train split" in words(content(*rows))
    assert "Train split" not in words(content())
