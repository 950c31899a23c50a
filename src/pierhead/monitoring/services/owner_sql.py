"""Which expressions of SQL owners of monitors may write: of rows at hand alone, bounded, the same at each run.

They run beside other work in the same process, some of it where it cannot be interrupted, so what could take the
machine is refused before it is run; what is allowed is listed, not what is not.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import duckdb

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.services.locked_sql import in_our_dialect

_CLASSES = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        # `->` of JSON; no function that takes lambdas is allowed.
        "LAMBDA",
        "OPERATOR",
        "TYPE",
    }
)
_TOLD = {
    "SUBQUERY": "subqueries",
    "WINDOW": "window functions",
    "STAR": "'*' outside of count(*)",
    "PARAMETER": "parameters",
}
# A column of such a name is none of ours to tell from the function: written like one, it may be either.
_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})

# Each of these may give something longer than what it is given, so that one within the other would grow without bound.
_GROWING = frozenset(
    {"concat_ws", "json_object", "list_value", "regexp_replace", "replace", "row", "struct_pack", "to_json"}
)
_NAMES = """
+ - * / // % ** ^ & | ~ << >> ! || ~~ !~~ ~~* !~~* ~~~ ^@ ->> like_escape not_like_escape ilike_escape
not_ilike_escape

approx_count_distinct approx_quantile arg_max arg_min argmax argmin avg bit_and bit_or bit_xor bool_and bool_or
corr count count_if count_star countif covar_pop covar_samp entropy favg fsum kahan_sum kurtosis kurtosis_pop mad
max max_by mean median min min_by product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count
regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev stddev_pop stddev_samp sum sumkahan
var_pop var_samp variance

abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees divide even exp fdiv
floor fmod gamma gcd greatest isfinite isinf isnan lcm least lgamma ln log log10 log2 mod multiply negate nextafter
pi pow power radians round round_even roundbankers sign signbit sin sinh sqrt subtract tan tanh trunc truncate
width_bucket xor

coalesce if ifnull nullif nvl typeof

ascii char_length character_length chr concat contains ends_with instr lcase left left_grapheme len length lower
ltrim md5 octet_length overlay position prefix regexp_extract regexp_full_match regexp_matches reverse right rtrim
sha1 sha256 split split_part starts_with str_split string_split strip_accents strlen strpos substr substring suffix
translate trim ucase unicode upper hash

century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth
dayofweek dayofyear decade epoch epoch_ms epoch_ns epoch_us era hour isodow isoyear julian last_day make_date
make_time make_timestamp millennium microsecond millisecond minute month monthname quarter second strftime strptime
time_bucket timezone to_days to_hours to_microseconds to_milliseconds to_minutes to_months to_seconds to_timestamp
to_weeks to_years try_strptime week weekday weekofyear year yearweek

array_contains array_extract array_has array_length cardinality element_at has json_array_length json_extract
json_extract_path json_extract_path_text json_extract_string json_type json_valid list_avg
list_contains list_element list_extract list_has list_max list_min list_sum map_contains map_extract
map_extract_value struct_extract
"""
_FUNCTIONS = _GROWING | frozenset(_NAMES.split())


@lru_cache(maxsize=4096)
def owner_sql(text: str) -> str:
    """The expression in DuckDB's dialect, to be put into brackets with a line break before the closing one.

    Raises InvalidArgument that says what is not allowed in it.
    """
    expression = in_our_dialect(text, ())
    node = _parsed(expression)
    if not _is_alone(node):
        raise InvalidArgument("it must be one expression")
    for each, grows in _walk(node["select_list"]):
        _check(each, is_within_growing=grows)
    return expression


def _parsed(expression: str) -> dict[str, Any]:
    with duckdb.connect() as database:
        try:
            (found,) = database.execute(
                "SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT ({expression}\n)"]
            ).fetchall()
        except duckdb.Error as error:
            raise InvalidArgument(f"it cannot be read: {str(error).splitlines()[0]}") from None
    try:
        tree = json.loads(found[0])
    except RecursionError:
        raise InvalidArgument("it is nested too deeply") from None
    if tree.get("error"):
        raise InvalidArgument(f"it cannot be read: {tree.get('error_message', '').splitlines()[0]}")
    if len(tree["statements"]) != 1:
        raise InvalidArgument("it must be one expression")
    node: dict[str, Any] = tree["statements"][0]["node"]
    return node


def _is_alone(node: dict[str, Any]) -> bool:
    """Whether nothing but the expression is there: no second one behind brackets that were closed early, no FROM."""
    if node.get("type") != "SELECT_NODE" or len(node["select_list"]) != 1:
        return False
    others = ("where_clause", "having", "qualify", "sample", "modifiers", "group_expressions")
    return node["from_table"]["type"] == "EMPTY" and not any(node.get(each) for each in others)


def _walk(tree: Any) -> Iterator[tuple[dict[str, Any], bool]]:
    """All expressions, each with whether it is within a growing one."""
    waiting = [(tree, False)]
    while waiting:
        each, grows = waiting.pop()
        if isinstance(each, list):
            waiting += [(child, grows) for child in each]
        elif isinstance(each, dict):
            if "class" in each:
                yield each, grows
                grows = grows or _function(each) in _GROWING
            waiting += [(child, grows) for child in each.values()]


def _check(node: dict[str, Any], *, is_within_growing: bool) -> None:
    kind = str(node["class"])
    if kind not in _CLASSES:
        raise InvalidArgument(f"{_TOLD.get(kind, kind.lower())} are not allowed: it is about the rows at hand alone")
    name = _function(node)
    if kind == "COLUMN_REF" and len(node["column_names"]) == 1:
        word = str(node["column_names"][0])
        if word.lower() in _CLOCKS:
            raise InvalidArgument(f"{word} is not allowed: it would be another one at each refresh")
    if name and name not in _FUNCTIONS:
        raise InvalidArgument(
            f"{name}() is not allowed; what is allowed are functions of numbers, texts, times and sets of rows that "
            "give the same at each refresh and never much more than they are given"
        )
    if name in _GROWING and is_within_growing:
        raise InvalidArgument(f"{name}() must not stand inside of one of {', '.join(sorted(_GROWING))}")


def _function(node: dict[str, Any]) -> str:
    return str(node.get("function_name", "")).lower() if node["class"] == "FUNCTION" else ""
