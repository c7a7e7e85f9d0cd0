"""What a JSON response is: a job, a failure, a part, a report. Each rule has its line here."""

from __future__ import annotations

import contextlib
import json

import pytest

from tap_crewmojo.errors import ReportError, TransientError, UnusableResponseError
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

FAILED, NEITHER, PART = "says that it failed", "neither a report nor a job", "only a part"
UNSAFE = "names a job by an id"


def outcome(body: bytes, content_type: str = "application/json", **how: object) -> str | int:
    """Return the job, the number of rows or the sentence that a response amounts to."""
    sizes = {1, 7, len(body) or 1}
    (result,) = {outcome_in(size, body, content_type, **how) for size in sizes}
    assert "secret" not in str(result)
    return result


def outcome_in(size: int, body: bytes, content_type: str, **how: object) -> str | int:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    head = ResponseHead(content_type, **how)  # type: ignore[arg-type]
    try:
        report = spool(parts, head, chunk_size=size)
    except (ReportError, UnusableResponseError, TransientError) as exc:
        return str(exc)
    if isinstance(report, JobEnvelope):
        return f"job {report.job_id}"
    with contextlib.closing(report):
        return sum(batch.size for batch in report.batches())


ROWS = '"data": [{"a": 1}, {"a": 2}]'
AS_JOB = [
    '{"jobId": "j1"}',
    '{"jobId": "j1", "warnings": []}',
    '{"jobId": "j1", "data": []}',
    '{"jobId": "j1", "links": [{"rel": "self"}]}',
    '{"jobId": "j1", "error": "none of that counts"}',
    f'{{{ROWS}, "jobId": "j1"}}',
    f'{{"jobId": "j1", {ROWS}}}',
    '{"status": "running", "jobID": "j1"}',
    '{"job_id": "j1"}',
    '\ufeff{"\\u006aobId": "j1"}',
]
AS_ROWS = [
    (f"{{{ROWS}}}", 2),
    (f'{{{ROWS}, "total": 2}}', 2),
    (f'{{"total": 2, "page": 1, "totalPages": 1, {ROWS}, "next": null}}', 2),
    (f'{{"count": "2", {ROWS}, "x": []}}', 2),
    (f'{{{ROWS}, "jobId": null}}', 2),
    (f'{{{ROWS}, "warnings": [{{"secret": 1}}], "columns": [{{"name": "a"}}]}}', 2),
    (f'{{{ROWS}, "success": true, "status": "ok", "code": 200, "error": null}}', 2),
    (f'{{{ROWS}, "errors": [], "errorCode": 0, "errorMessage": "", "fault": {{}}}}', 2),
    (f'{{{ROWS}, "hasMore": false, "nextCursor": "", "truncated": false, "done": true}}', 2),
    (f'{{{ROWS}, "links": [{{"rel": "self", "href": "x"}}], "meta": {{"total": 2}}}}', 2),
    (f'{{{ROWS}, "paging": {{"next": null, "pages": 1}}, "_links": {{"self": "x"}}}}', 2),
    (f'{{{ROWS}, "nested": {{"error": "x", "jobId": "y", "next": 1}}}}', 2),
    ('{"result": [{"a": 1}], "status": "done"}', 1),
    ('{"data": [], "warnings": []}', 0),
    ('{"data": []}', 0),
    *(
        (f'{{"data": [], {beside}}}', 0)
        for beside in [
            *('"status": "No error"', '"result": "completed without error"', '"jobId": null'),
            *(
                '"message": "Request received"',
                '"message": "No rows"',
                '"meta": {"tags": ["a"], "errorCount": 0}',
                '"x": {"y": [1]}',
            ),
            *('"query": {"by": [{"a": 1}]}', '"warnings": [{"jobId": "x"}]', '"total": 0'),
        ]
    ),
    ("[]", 0),
    ('[{"jobId": "j1", "Employee": "x"}]', 1),
    ('[{"Job Id": "x"}]', 1),
    ('[{"error": "x"}]', 1),
    ('[{"status": "failed", "next": "x", "total": 9}]', 1),
]
AS_FAILURE = [
    '{"error": "busy", "errors": []}',
    '{"success": false, "rows": []}',
    '{"status": "error", "results": []}',
    '{"errors": [{"message": "secret"}]}',
    '{"data": [], "errors": [{"secret": 1}]}',
    '{"errors": ["secret"]}',
    *(
        f"{{{ROWS}, {mark}}}"
        for mark in [
            *('"ok": false', '"success": "false"', '"isSuccess": 0', '"fault": {"code": "x"}'),
            *('"status": "FAILED"', '"state": "Timed out"', '"status": 500', '"code": "404"'),
            *('"statusCode": 403', '"error": true', '"error_code": 7', '"errorMessage": "secret"'),
            *(
                '"exception": "secret"',
                '"hasErrors": true',
                '"failures": 3',
                '"errorCount": 1',
                '"status": "Internal Server Error"',
                '"state": "jobFailed"',
                '"code": "REPORT_FAILED"',
                '"meta": {"error": 1}',
            ),
        ]
    ),
]
AS_PART = [
    f"{{{ROWS}, {mark}}}"
    for mark in [
        *('"hasMore": true', '"has_more": true', '"more": 1', '"truncated": true', '"done": false'),
        *('"next": "https://secret"', '"nextPage": 2', '"nextCursor": "secret"', '"cursor": "x"'),
        *('"@odata.nextLink": "secret"', '"total": 3', '"totalCount": "300000"', '"count": 3'),
        *('"total_pages": 2', '"pages": 9', '"isLast": false', '"incomplete_results": true'),
        *(
            '"paging": {"next": "secret"}',
            '"pagination": {"hasMore": true}',
            '"meta": {"total": 3}',
        ),
        *('"links": {"next": {"href": "secret"}}', '"links": [{"rel": "next", "href": "secret"}]'),
        *('"meta": {"pagination": {"next_page": 2}}', '"page": {"totalPages": 2}'),
    ]
]
AS_NEITHER = [
    *("{}", '{"message": "secret"}', '{"data": null}', '{"data": {"a": 1}}', '{"a": ["secret"]}'),
    *('{"status": "pending"}', '{"status": "pending", "data": []}', '{"links": [{"rel": "self"}]}'),
    *(f'{{"status": "running", {ROWS}}}', '{"jobId": null}', '{"status": "done"}', '{"total": 0}'),
    *(
        f'{{"data": [], {beside}}}'
        for beside in [
            *('"meta": {"jobId": "j1"}', '"job": {"jobId": 1}', '"result": {"error": "secret"}'),
            *('"job": {"status": "failed"}', '"message": "the secret report failed"'),
            *('"status": "still running"', '"job": {"state": "in_queue, queued"}'),
            *('"result": [["secret"]]', '"reason": "Generating, try later"'),
            *('"rows": [["secret", 1]]', '"report": {"rows": [{"a": 1}]}', '"more": []'),
        ]
    ),
    '[{"jobId": "j1", "links": [], "createdAt": "secret"}]',
    *('[{"jobId": "j1"}]', '[{"jobId": "secret", "status": "pending"}]', '{"x": [{"jobId": 1}]}'),
]
AS_UNSAFE = [
    f'{{"jobId": {job}, "data": []}}'
    for job in [
        *(
            '""',
            '" "',
            '"."',
            '".."',
            "true",
            "1.5",
            "[]",
            "{}",
            '"\\ud800"',
            '"a\\nb"',
            '"\\u0000"',
        ),
        *('"\\u2028"', f'"{"x" * 201}"', "9" * 5000, "NaN"),
    ]
]


@pytest.mark.parametrize("body", AS_JOB)
def test_a_job_id_at_the_top_means_a_job(body: str) -> None:
    for content_type in ("text/csv", "application/json", ""):
        assert outcome(body.encode(), content_type) == "job j1"
    assert outcome(body.encode(), polled_job="other") == "job j1"


def test_a_job_id_may_be_a_number() -> None:
    assert outcome(b'{"jobId": 17}') == "job 17"


@pytest.mark.parametrize("body", AS_UNSAFE)
def test_a_job_id_that_no_url_can_hold_is_refused(body: str) -> None:
    for polled_job in (None, "j1"):
        assert UNSAFE in str(outcome(body.encode(), polled_job=polled_job))


@pytest.mark.parametrize(("body", "rows"), AS_ROWS)
def test_harmless_members_leave_the_rows(body: str, rows: int) -> None:
    assert outcome(body.encode()) == rows
    assert outcome(body.encode(), polled_job="j1") == rows


@pytest.mark.parametrize("body", AS_FAILURE)
def test_a_response_that_says_it_failed_is_not_a_report(body: str) -> None:
    assert FAILED in str(outcome(body.encode()))
    assert FAILED in str(outcome(body.encode(), polled_job="j1"))


def test_a_failure_has_the_words_of_the_vendor_that_are_harmless() -> None:
    assert '("no report for *")' in str(outcome(b'{"error": "no report for secret@x.y 42"}'))
    assert '("invalid report")' in str(outcome(b'{"errors": [{"message": "invalid report"}]}'))


@pytest.mark.parametrize("body", AS_PART)
def test_a_part_says_that_no_paging_is_documented(body: str) -> None:
    with pytest.raises(ReportError, match="Crewmojo documents no paging"):
        spool([body.encode()], ResponseHead("application/json"))
    assert PART in str(outcome(body.encode(), polled_job="j1"))


@pytest.mark.parametrize("body", AS_NEITHER)
def test_without_rows_there_is_no_report(body: str) -> None:
    assert NEITHER in str(outcome(body.encode()))


@pytest.mark.parametrize("rows", ["jobId\nj1\n", "jobId,status\nj1,pending\n"])
def test_csv_that_looks_like_a_job_is_not_a_report(rows: str) -> None:
    assert NEITHER in str(outcome(rows.encode(), "text/csv", polled_job="j1"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((b"", 202), (b" \n", 202), (b"Accepted", 202)),
        *((b"{}", 200), (b"{}", 202), (b'{"status": "pending"}', 200), (b'{"progress": 40}', 200)),
        *((b'{"state": "In Progress", "data": []}', 200), (b'{"message": "wait"}', 200)),
        (f'{{"status": "running", {ROWS}}}'.encode(), 200),
        *((b"[]", 202), (b'{"data": []}', 202), (b'{"data": [], "job": {"jobId": "j1"}}', 200)),
    ],
)
def test_a_poll_without_an_id_means_not_yet(body: bytes, status: int) -> None:
    assert outcome(body, "", status=status, polled_job="j1") == "job j1"
    assert not isinstance(outcome(body, "", status=status), int)
    assert outcome(body, "", status=status) != "job j1"


def test_an_accepted_request_has_no_empty_report_yet() -> None:
    assert outcome(b"a,b\n", "text/csv", status=202, polled_job="j1") == "job j1"
    assert NEITHER in str(outcome(b"a,b\n", "text/csv", status=202))
    assert outcome(b"a,b\n1,2\n", "text/csv", status=202) == 1
    assert outcome(f"{{{ROWS}}}".encode(), status=202) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"", "empty"), (b"Accepted", NEITHER), (b'{"status": "completed"}', NEITHER)],
)
def test_a_poll_that_is_done_without_rows_has_failed(body: bytes, words: str) -> None:
    assert words in str(outcome(body, "", polled_job="j1"))


@pytest.mark.parametrize("polled_job", [None, "j1"])
def test_status_204_is_an_empty_report(polled_job: str | None) -> None:
    assert outcome(b"", "", status=204, polled_job=polled_job) == 0
    assert "empty" in str(outcome(b"", "text/csv", polled_job=polled_job))


@pytest.mark.parametrize(
    "body",
    [b'"a-job"', b"null", b"Service is busy, try later", b"Unavailable\r\nTry again later\r\n"],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_word_from_the_server_is_no_empty_report(body: bytes, content_type: str) -> None:
    assert NEITHER in str(outcome(body, content_type))


@pytest.mark.parametrize(
    "body", [b"a,b\n1,2", b"a,b\n1", b'a,b\n1,"2\n', b"a,b", b'[{"a": 1}', b'{"jobId": "j', b""]
)
def test_a_body_whose_length_nothing_states_may_be_cut_short(body: bytes) -> None:
    with pytest.raises(TransientError, match="may be cut short"):
        spool([body], ResponseHead("text/csv", has_known_end=False))


def test_a_body_whose_length_nothing_states_is_whole_with_its_end() -> None:
    assert outcome(b"a,b\n1,2\n", "text/csv", has_known_end=False) == 1
    assert outcome(b"a,b\r1,2\r", "text/csv", has_known_end=False) == 1
    assert outcome(b'[{"a": 1}]', has_known_end=False) == 1
    assert outcome(b'{"jobId": "j1"}', has_known_end=False) == "job j1"


@pytest.mark.parametrize("rest", [{"total": 5000}, {"note": "x" * 100_000}, {"meta": {"a": ["b"]}}])
def test_the_rows_are_found_wherever_they_stand(rest: dict[str, object]) -> None:
    rows = {"data": [{"a": number, "b": f"]}} {number}"} for number in range(5000)]}
    for members in (rows | rest, rest | rows, rest | rows | {"z": None}):
        for indent in (None, 1):
            assert outcome_of_large(json.dumps(members, indent=indent).encode()) == 5000


def outcome_of_large(body: bytes) -> int:
    chunks = (body[start : start + 10_000] for start in range(0, len(body), 10_000))
    report = spool(chunks, ResponseHead("application/json"))
    assert not isinstance(report, JobEnvelope)
    return sum(batch.size for batch in report.batches())
