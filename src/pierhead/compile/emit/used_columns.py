"""Which of a program's columns its answer depends on."""

from pierhead.compile.domain.program import Program

_INPUT = "x"


def used_columns(program: Program) -> set[int]:
    """Places of the columns that the answer, or the choice of rows that get none, depends on."""
    wanted = {program.answer.value} | ({program.declines} if program.declines is not None else set())
    if _INPUT in wanted:
        return set(range(len(program.columns)))
    used: set[int] = set()
    for node in reversed(program.nodes):
        if node.output not in wanted:
            continue
        wanted.update(node.inputs)
        if _INPUT not in node.inputs:
            continue
        if node.op != "columns":
            return set(range(len(program.columns)))
        used.update(int(place) for place in program.constants[node.inputs[1]].reshape(-1))
    return used
