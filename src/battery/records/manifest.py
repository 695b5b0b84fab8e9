"""What is known of how a battery was run: its manifest, and what stands in where there is none."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from battery.protocol import Json
from battery.records.findings import Record
from battery.records.models import FROZEN, LEARN, SCHEMA_VERSION, Arm, Models


class Options(Record):
    """The settings that shape a run, as `battery.json` keeps them."""

    # A later version may record more of them: what it wrote is read, shown and written back.
    model_config = ConfigDict(extra="allow")

    tasks: str | None = Field(
        default=None, description="Path of the tasks file, or `packaged` for the built-in tasks."
    )
    limit: int | None = Field(default=None, description="Most tasks of a phase; null means all.")
    repeats: int = Field(default=1, description="How often each task is asked per iteration.")
    seed: int | None = Field(default=None, description="Seed of the order of the two arms.")
    shuffled: bool = Field(
        default=False,
        description="Whether the seed also gave the tasks of a phase, and their siblings, an order "
        "of their own, as in the runs of a campaign.",
    )
    respond_timeout_s: float | None = Field(
        default=None, description="Timeout of a respond call in seconds."
    )
    meta_timeout_s: float | None = Field(
        default=None, description="Timeout of all other calls in seconds."
    )
    concurrency: int = Field(default=1, description="How many tasks are asked at the same time.")
    feedback: Literal["none", "grade", "answer"] | None = Field(
        default=None,
        description="What a system that battery starts is told of how a task ended; null for all "
        "others.",
    )
    meter: str | None = Field(
        default=None,
        description="URL of the endpoint whose calls are metered, without user and password; null "
        "where systems tell of their tokens themselves.",
    )
    target_digest: str | None = Field(
        default=None,
        description="SHA-256 of what the file says that describes the target; null without one.",
    )
    target_files: dict[str, str] | None = Field(
        default=None,
        description="SHA-256 of each file of the system's own that the target names, by path: the "
        "Python file, the command and the first file that it is given. Null without any.",
    )
    memory_kept: bool = Field(
        default=False,
        description="Whether battery itself gave both arms the same memory to start with.",
    )
    model_url: str | None = Field(
        default=None,
        description="URL of the model behind the embedded gateway; null means its rules.",
    )

    reviewer: str | None = Field(
        default=None,
        description="Who answers reviews and judgments: `rules` or `openai:URL`; null means the "
        "target itself.",
    )

    prepare: str | None = Field(
        default=None, description="Command that emptied the memories; null means none."
    )

    @property
    def order(self) -> int | None:
        """Return the seed of the order of tasks and siblings; None leaves that of the file."""
        return self.seed if self.shuffled else None

    @model_serializer(mode="wrap")
    def recorded(self, dump: SerializerFunctionWrapHandler) -> Json:
        """Return what was recorded, without the defaults of what an earlier version lacked."""
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}


#: The digest of what scores a battery while its answers are being graded again.
UNSETTLED: Final = "unsettled"
State = Literal["running", "interrupted", "failed", "paused", "finished"]


class Provenance(Record):
    """What is known of how a battery was run; as it is, of a folder of the original script.

    That script wrote no manifest: null is what nobody can tell any more.
    """

    schema_version: int = Field(
        default=SCHEMA_VERSION, description="Version of the file formats; a higher one is refused."
    )
    battery_version: str | None = None
    run_id: str | None = None
    started_at: str | None = None
    finished_at: str | None = Field(default=None, description="When the last iteration was done.")
    tasks_digest: str | None = None
    scoring_digest: str | None = Field(
        default=None,
        description="SHA-256 of what scores the answers: checks, their files, and prices. Null "
        "without any; `unsettled` while they are being graded again.",
    )
    tasks_folder: str | None = Field(
        default=None,
        description="Folder of the tasks file, where the files of its checks are; null without "
        "such a file.",
    )
    models: Models | None = None
    targets: dict[str, str] | None = None
    # Nothing recorded: a default would claim that the original script ran with it.
    options: Options = Options()
    name: str | None = Field(default=None, description="What its user calls this battery.")
    note: str | None = Field(default=None, description="What its user notes about it.")
    tags: list[str] = Field(default=[], description="Words its user sorts batteries by.")
    notes: list[str] = Field(
        default=[], description="What changed during the battery; the summary warns of it."
    )
    iterations_wanted: int | None = None
    # A plan that moves once there are results to look at would be no plan.
    planned_iterations: int | None = Field(
        default=None,
        description="After which iteration the verdict was planned: `--iterations` of the first "
        "run, whatever was added since. Null where an earlier version recorded none and no "
        "iteration was added since.",
    )
    iterations_finished: int = Field(default=0, description="How many have all stages on disk.")
    state: State | None = None
    stopped_by: str | None = Field(
        default=None, description="Why a battery whose state is `failed` failed, in a sentence."
    )
    unlike: bool = Field(
        default=False,
        description="Whether learner and twin differed before anything was learned when it "
        "stopped: only `--keep-going` goes on.",
    )


class Manifest(Provenance):
    """What `battery.json` says of a battery: identity, settings and how far it came."""

    battery_version: str = Field(description="Version of the program that started it.")
    run_id: str = Field(description="Random, 32 hexadecimal digits.")
    started_at: str = Field(description="When the first run started; a resume keeps it.")
    tasks_digest: str = Field(
        description="SHA-256 of the tasks as run, the models and the expectations."
    )
    models: Models = Field(description="From the tasks file.")
    targets: dict[str, str] = Field(
        description="`embedded`, or the URL without user, password and query; `control` with two "
        "arms.",
    )
    options: Options = Field(description="Settings that shape the run; no header, no token.")
    iterations_wanted: int = Field(description="How many iterations were asked for.")
    state: State = Field(default="running", description="A killed process leaves `running`.")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms of the battery, the learner first; earlier versions had only that one."""
        return (LEARN, FROZEN) if "control" in self.targets else (LEARN,)
