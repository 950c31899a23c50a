"""Requests that lie at the edge of MLflow's formats: what the original refuses, nothing else may answer."""

import json
from typing import Any

from pierhead.compile.parity.cases import INPUTS, INSTANCES, RECORDS, SPLIT, Case, Layout, Row, render


def odd_requests(layout: Layout, row: Row) -> list[Case]:
    """Shapes of requests around one row that is known to be answered."""
    bodies: list[Any] = [[], {}, {"predictions": []}, {"data": [list(row)]}]
    if layout.is_named:
        bodies += _odd_frames([column.name for column in layout.columns], list(row))
    else:
        bodies += [{INPUTS: []}, {INPUTS: [list(row)[:-1]]}, {INPUTS: [[*row, 1]]}, {INPUTS: list(row)}]
        bodies += [{INSTANCES: [[list(row)]]}, {INPUTS: [list(row)], "params": {}}]
    cases = [Case("special", json.dumps(body).encode(), 0) for body in bodies]
    plain = render(layout, [row], layout.forms[0])
    cases += [Case("special", body, 0) for body in (b"", b"{", plain[:-1], plain + b" ", b"\xef\xbb\xbf" + plain)]
    for content_type in ("", "application/json; charset=utf-8", "application/json; charset=latin-1", "text/plain"):
        cases.append(Case("special", plain, 0, content_type))
    return cases


def _odd_frames(names: list[Any], values: list[Any]) -> list[Any]:
    split = {"columns": names, "data": [values]}
    record = dict(zip(names, values, strict=True))
    lacking = {name: value for name, value in record.items() if name != names[0]}
    return [
        {SPLIT: {**split, "data": []}},
        {SPLIT: {"columns": names, "data": [values, values[:-1]]}},
        {SPLIT: {"data": [values]}},
        {SPLIT: {**split, "index": [7]}},
        {SPLIT: {**split, "more": 1}},
        {SPLIT: split, "params": {}},
        {SPLIT: split, "params": {"never_declared": 1}},
        {SPLIT: split, RECORDS: [record]},
        {SPLIT: split, "client_request_id": "7"},
        {SPLIT: {"columns": [*names, "never_declared"], "data": [[*values, 1]]}},
        {SPLIT: {"columns": [*names, names[0]], "data": [[*values, values[0]]]}},
        {SPLIT: {"columns": names[1:], "data": [values[1:]]}},
        {RECORDS: []},
        {RECORDS: [record, lacking]},
        {RECORDS: [{**record, "never_declared": 1}]},
        {RECORDS: record},
        {INPUTS: record},
        {INPUTS: [record]},
        {INPUTS: [values]},
        {INPUTS: {name: [value, value] if name == names[0] else [value] for name, value in record.items()}},
        {INSTANCES: [record, lacking]},
        {INSTANCES: [values]},
        {INSTANCES: record},
    ]
