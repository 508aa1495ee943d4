"""Trains the U-Net and exports it: TFX calls `run_fn`.

A killed run can be resumed: after each epoch weights, optimizer and history are written to
`.../Trainer/resume/HASH`, beside the directories that TFX makes for each execution. HASH covers
the configuration (with the hash of our code), the examples and the transform graph: the next
attempt at the same training continues with the next epoch, any other starts from the beginning.
At most the steps since the last epoch are lost. What an epoch draws follows from the seed and its
number, so an interrupted epoch is repeated with the same crops in the same order, and a resumed
training ends as one that was not interrupted. Inputs that were made again under another path start
a new training. A run that ends removes its state. On Vertex AI retries of the same task find it, a
new job does not.
"""

import logging
import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from lungct import progress
from models.averages import average_statistics
from models.checkpoint import Checkpoint, resume_directory, write_json
from models.dataset import CropSource, batches_of
from models.epoch_end import EpochEnd, Outputs
from models.export import export, library_versions
from models.holdout import Holdout, choose_holdout
from models.losses import loss_of
from models.mined import MinedPlaces
from models.mining import Miner
from models.monitor import Monitor, PooledDice
from models.networks.build import float32_copy, training_network
from models.optimizer import optimizer_of
from models.precision import choose_policy, gpu_capabilities, read_cpu_flags
from models.replicas import choose_strategy, may_compile, synchronise_statistics
from models.segmenter import Segmenter
from models.split import TrainingSplit, read_split
from schema import features
from schema.custom_config import parse
from schema.files import DATA_FILE, HISTORY_FILE
from schema.hyperparameters import Hyperparameters
from schema.model_facts import DataFacts, ModelFacts

MODEL_NAME = "model.keras"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        split: The train split.
        holdout: What of it training never sees.
        model_run_dir: TFX's directory for the history and the logs.
        checkpoint: Where the state to resume from is.
        began: When the work on it began, by `time.monotonic`.
    """

    split: TrainingSplit
    holdout: Holdout
    model_run_dir: str
    checkpoint: Checkpoint
    began: float = field(default_factory=time.monotonic)

    @property
    def settings(self) -> Hyperparameters:
        """The hyperparameters."""
        return self.split.settings


def run_fn(fn_args: Any) -> None:
    """Trains on the train split and writes the model that is kept as a SavedModel.

    Args:
        fn_args: TFX's FnArgs. `custom_config` holds the hyperparameters; `train_files` the
            patterns of the train split; the eval split is not read.

    Raises:
        ValueError: `custom_config` is not a mapping, or the split has no index or no nodule.
    """
    began = time.monotonic()
    config = _plain(fn_args.custom_config)
    settings = parse(config)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path).transform_features_layer()
    split = read_split(fn_args.train_files, transform, settings)
    identity = {
        "config": config,
        "files": sorted(fn_args.train_files),
        "transform": fn_args.transform_graph_path,
    }
    checkpoint = Checkpoint(resume_directory(fn_args.model_run_dir, identity))
    model = train(Run(split, hold_out(split), fn_args.model_run_dir, checkpoint, began))
    model.save(os.path.join(fn_args.model_run_dir, MODEL_NAME))
    segmenter = Segmenter(model, transform, settings.grid.context, settings.model.stride)
    facts = model_facts(split, str(config.get("code_hash", "")))
    export(segmenter, fn_args.serving_model_dir, facts)
    checkpoint.remove()


def hold_out(split: TrainingSplit) -> Holdout:
    """Chooses the patients for early stopping; logs a warning where they are not independent."""
    holdout = choose_holdout(split.index, split.settings.training.monitor_fraction)
    if not holdout.patients:
        _LOG.warning(
            "one patient with nodules only: early stopping measures on slices between those "
            "trained on, so its Dice is too high"
        )
    return holdout


def model_facts(split: TrainingSplit, code_hash: str) -> ModelFacts:
    """What the users of the model must know.

    Args:
        split: What it was trained on; the facts about the data lie beside the examples.
        code_hash: Hash of the code that trained it.
    """
    settings = split.settings
    with tf.io.gfile.GFile(os.path.join(os.path.dirname(split.folder), DATA_FILE)) as file:
        data = DataFacts.from_json(file.read())
    return ModelFacts(
        grid=settings.grid,
        window_hu=settings.intensity.window_hu,
        probability_threshold=settings.probability_threshold,
        nodule_threshold=settings.nodule_threshold,
        stride=settings.model.stride,
        data=data,
        code_hash=code_hash,
        versions=library_versions(),
    )


def train(run: Run) -> keras.Model:
    """Trains until the epochs are done or the monitor Dice has stopped growing.

    Returns:
        The model of the epoch that is kept, computing in float32.
    """
    training = run.settings.training
    keras.utils.set_random_seed(training.seed)
    policy = choose_policy(training.mixed_precision, read_cpu_flags(), gpu_capabilities())
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        with choose_strategy(training.batch_size).scope():
            model = compiled_model(run.settings)
            _fit(run, model, policy)
    finally:
        keras.config.set_dtype_policy(before)
    return float32_copy(model, run.settings.model, run.settings.grid.channels)


def compiled_model(settings: Hyperparameters) -> keras.Model:
    """A new network with its optimizer, loss and metric, under Keras' current dtype policy.

    In the scope of a strategy of several devices it is trained on all of them, with the statistics
    of batch normalisation, and so the result, of whole batches.
    """
    model = training_network(settings.model, settings.grid.channels)
    average_statistics(model, settings.training.average_weights)
    synchronise_statistics(model)
    model.compile(
        optimizer=optimizer_of(settings.training),
        loss=loss_of(settings.training),
        metrics=[PooledDice(settings.probability_threshold)],
        jit_compile=may_compile(),
    )
    return model


def _fit(run: Run, model: keras.Model, policy: str) -> None:
    training = run.settings.training
    state = run.checkpoint.restore(model) or {"epochs": []}
    done = len(state["epochs"])
    with closing(MinedPlaces(training, state.get("mined", {}))) as places:
        mines = training.hard_negatives > 0
        source = CropSource(run.split, run.holdout, places if mines else None)
        callback = EpochEnd(
            Monitor(run.split, run.holdout),
            _outputs(run, _facts(run, model, policy, resumed=done)),
            state["epochs"],
            Miner(run.split, source.plan, places) if mines else None,
        )
        progress.advance("epochs", done, training.epochs)
        if not callback.finished:
            model.fit(
                batches_of(source, done),
                epochs=training.epochs,
                initial_epoch=done,
                steps_per_epoch=training.steps_per_epoch,
                callbacks=[callback],
                verbose=0,
            )
    write_json(os.path.join(run.model_run_dir, HISTORY_FILE), callback.history())
    run.checkpoint.restore_kept(model)


def _outputs(run: Run, facts: dict[str, Any]) -> Outputs:
    """Where the run writes; makes the folder."""
    tf.io.gfile.makedirs(run.model_run_dir)
    history, logs = (os.path.join(run.model_run_dir, name) for name in (HISTORY_FILE, "logs"))
    return Outputs(run.checkpoint, history, logs, facts)


def _facts(run: Run, model: keras.Model, policy: str, resumed: int) -> dict[str, Any]:
    index = run.split.index
    return {
        "parameters": int(model.count_params()),
        "precision": policy,
        "patients": len({row.patient_id for row in index}),
        "slices": len(index),
        "nodule_slices": sum(features.BUCKET_NONE not in row.buckets for row in index),
        "monitor_patients": list(run.holdout.patients),
        "start_seconds": round(time.monotonic() - run.began, 3),  # up to the first step
        "resumed_from_epoch": resumed,
        "hyperparameters": asdict(run.settings),
    }


def _plain(config: Any) -> Mapping[str, Any]:
    """The custom_config as a mapping; raises ValueError where it is none."""
    if not isinstance(config, Mapping):
        raise ValueError(f"expected custom_config with hyperparameters, got {config!r}")
    return config
