"""From the process's start until the webhook is ready, against the imports that it cannot do without."""

from bench.process_start import import_seconds, started
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.cluster import make_account
from tests.harness.gate import Gate


def measure(stage: Stage) -> list[Figure]:
    """Starts the webhook and an interpreter that only imports, in turns.

    Args:
        stage: The shared parts.

    Returns:
        The time until ready, over the time of the imports.
    """
    kubeconfig = make_account(stage.control_plane)
    gate = Gate(stage.new_folder("ready"), {}, kubeconfig, stores={"cluster": {}})
    say("ready: starting the webhook and the bare imports in turns")
    imports, starts = [], []
    for number in range(stage.effort.starts + 1):
        imported = import_seconds()
        with started(gate, kubeconfig) as (_, ready):
            pass
        if number == 0:
            continue  # It wrote the byte code and filled the page cache.
        say(f"  start {number} of {stage.effort.starts}: ready in {ready:.2f} s, imports alone {imported:.2f} s")
        imports.append(imported)
        starts.append(ready)
    how = (
        "process start to the first 200 of /readyz, over `python -c 'import aiohttp, pydantic, kubernetes.aio'`; "
        f"cluster store and Events on, empty cluster; median of and spread over {len(starts)} pairs"
    )
    ratios = [ready / imported for ready, imported in zip(starts, imports, strict=True)]
    told = Title("Start until ready", "s", None, "the same starts")
    title = Title("Start until ready, over the imports alone", "", 2.0, how)
    return [Figure.of(title, ratios), Figure.of(told, starts)]
