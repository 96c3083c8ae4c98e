import io
import json
import logging
import pickle
import traceback

import cloudpickle
import dataframely as dy
import polars as pl
import pytest
from pydantic import TypeAdapter

from flows.confine import (
    ContractError,
    PrivacyGateError,
    RejectLimitError,
    StageError,
    confine,
    describe,
)
from flows.settings import SettingsError
from flows.tables import ClusterCells, Messages

SECRET = "lamp" + "secret"
OTHER = "fog" + "secret"


class Numbers(dy.Schema):
    number = dy.Int64(primary_key=True, max=3)


def quote_in_polars():
    pl.Series([SECRET]).str.to_integer()


def quote_in_a_cast():
    pl.Series([SECRET]).cast(pl.Int64)


def quote_in_an_enum():
    pl.Series([SECRET]).cast(pl.Enum(["a"]))


def quote_in_a_column_name():
    pl.DataFrame({SECRET: [1]}).select("other")


def quote_in_pydantic():
    TypeAdapter(int).validate_python(SECRET)


def quote_in_a_key_error():
    {}[SECRET]


def quote_in_json():
    json.loads(f'{{"{SECRET}": ')


def quote_in_a_decoding():
    f"{SECRET}\xff".encode("latin-1").decode()


def quote_in_a_chain():
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise ValueError(OTHER) from error


def quote_in_a_context():
    try:
        quote_in_a_chain()
    except ValueError:
        quote_in_a_key_error()


def quote_in_a_group():
    raise ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(OTHER)])


def quote_in_a_note():
    error = ValueError("plain")
    error.add_note(SECRET)
    raise error


def break_a_schema():
    frame = pl.DataFrame([("f" * 32, 0, "user", SECRET)] * 2, Messages.column_names(), orient="row")
    Messages.validate(frame, cast=True)


def break_a_type():
    Messages.validate(pl.DataFrame({"conversation_id": [SECRET]}), cast=True)


def break_a_cast():
    frame = pl.DataFrame({"cluster_id": [SECRET], "task_id": [1], "conversation_count": [1],
                          "account_count": [1]})  # fmt: skip
    ClusterCells.validate(frame, cast=True)


def break_a_column():
    frame = pl.DataFrame([("f" * 32, 0, SECRET, "text")], Messages.column_names(), orient="row")
    Messages.validate(frame, cast=True)


def speak(kind):
    def speakable():
        try:
            quote_in_a_chain()
        except ValueError:
            raise kind("ingest: 3 rows") from KeyError(SECRET)

    return speakable


SPEAKABLE = [StageError, ContractError, SettingsError, RejectLimitError, PrivacyGateError]
LEAKS = [
    (quote_in_polars, StageError, "ComputeError"),
    (quote_in_a_cast, StageError, "InvalidOperationError"),
    (quote_in_an_enum, StageError, "InvalidOperationError"),
    (quote_in_a_column_name, StageError, "ColumnNotFoundError"),
    (quote_in_pydantic, StageError, "ValidationError"),
    (quote_in_a_key_error, StageError, "KeyError"),
    (quote_in_json, StageError, "JSONDecodeError"),
    (quote_in_a_decoding, StageError, "UnicodeDecodeError"),
    (quote_in_a_chain, StageError, "ValueError"),
    (quote_in_a_context, StageError, "KeyError"),
    (quote_in_a_group, StageError, "ExceptionGroup"),
    (quote_in_a_note, StageError, "ValueError"),
    (break_a_schema, ContractError, "primary_key"),
    (break_a_type, ContractError, "message_index"),
    (break_a_cast, ContractError, "cluster_id"),
    (break_a_column, ContractError, "role"),
    *((speak(kind), kind, "3 rows") for kind in SPEAKABLE),
]


def everything_said(error):
    """All that a caller, a logger or a store of states could write down about an error."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    record = logging.LogRecord("test", logging.ERROR, "", 0, "%s", (error,),
                               (type(error), error, error.__traceback__))  # fmt: skip
    handler.emit(record)
    return "\n".join(
        [
            str(error),
            repr(error),
            *traceback.format_exception(error),
            repr(pickle.dumps(error)),
            repr(cloudpickle.dumps(error)),
            log.getvalue(),
        ]
    )


@pytest.mark.parametrize(("fail", "kind", "said"), LEAKS)
def test_an_error_says_what_it_is_and_quotes_no_data(fail, kind, said):
    with pytest.raises(kind) as caught, confine("ingest"):
        fail()
    error = caught.value
    assert type(error) is kind
    assert str(error).startswith("ingest: ")
    assert said in str(error)
    assert error.__cause__ is error.__context__ is None
    assert SECRET not in everything_said(error)
    assert OTHER not in everything_said(error)


@pytest.mark.parametrize("fail", [quote_in_polars, quote_in_a_key_error, break_a_column])
def test_unconfined_the_same_errors_quote_it(fail):
    """What is confined needs it; where a library has learned to be silent, this turns red."""
    with pytest.raises(Exception) as caught:
        fail()
    is_silent = isinstance(caught.value, dy.exc.ValidationError | dy.exc.SchemaError)
    assert (SECRET in everything_said(caught.value)) is not is_silent


def test_an_error_names_the_line_of_our_code():
    place = r"ingest: KeyError \(tests/flows/test_confine.py:\d+\)"
    with pytest.raises(StageError, match=place), confine("ingest"):
        quote_in_a_key_error()


def test_a_broken_rule_is_named_and_counted():
    with pytest.raises(ContractError, match=r"match: .*'max' failed for 2 rows"), confine("match"):
        Numbers.validate(pl.DataFrame({"number": [1, 4, 5]}))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_whoever_stops_the_run_is_heard(stop):
    with pytest.raises(stop), confine("ingest"):
        raise stop


def test_without_an_error_nothing_happens():
    with confine("ingest"):
        done = True
    assert done


def test_a_description_holds_no_data():
    assert describe(KeyError(SECRET)) == "KeyError (outside our code)"
