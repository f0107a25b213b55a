"""Sizes of CFDP PDUs against those that spacepackets packs, and the splitting of NAKs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from downpass.link.channel.transfer.pdus import (
    METADATA_REQUEST,
    AckEof,
    Condition,
    Finished,
    Nak,
    PduFormat,
    nak_sequence,
)
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.cfdp import ConditionCode, CrcFlag, LargeFileFlag, TransmissionMode
from spacepackets.cfdp.conf import PduConfig
from spacepackets.cfdp.defs import ChecksumType, DeliveryCode, FileStatus
from spacepackets.cfdp.pdu import (
    AckPdu,
    DirectiveType,
    EofPdu,
    FileDataPdu,
    FinishedPdu,
    MetadataParams,
    MetadataPdu,
    NakPdu,
    TransactionStatus,
)
from spacepackets.cfdp.pdu.file_data import FileDataParams
from spacepackets.cfdp.pdu.finished import FinishedParams
from spacepackets.cfdp.pdu.nak import get_max_seg_reqs_for_max_packet_size_and_pdu_cfg
from spacepackets.cfdp.tlv import EntityIdTlv
from spacepackets.util import ByteFieldGenerator

formats = st.builds(
    PduFormat, st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4, 8]), st.booleans()
)
sizes = st.one_of(
    st.integers(1, 2**32 - 1), st.integers(2**32, 2**40), st.sampled_from([2**32 - 1, 2**32])
)


def config(form: PduFormat, file_size: int) -> PduConfig:
    """The same format in the oracle's terms."""
    entity = ByteFieldGenerator.from_int(form.entity_id_bytes, 1)
    return PduConfig(
        source_entity_id=entity,
        dest_entity_id=entity,
        transaction_seq_num=ByteFieldGenerator.from_int(form.sequence_bytes, 7),
        trans_mode=TransmissionMode.ACKNOWLEDGED,
        file_flag=LargeFileFlag.NORMAL if file_size < 2**32 else LargeFileFlag.LARGE,
        crc_flag=CrcFlag.WITH_CRC if form.crc else CrcFlag.NO_CRC,
    )


@given(formats, sizes, st.integers(1, 4096))
def test_file_data(form: PduFormat, size: int, segment: int) -> None:
    data = FileDataPdu(config(form, size), FileDataParams(bytes(segment), offset=0))
    assert len(data.pack()) == segment + form.file_data_overhead(size)


@given(formats, sizes, st.integers(0, 255))
def test_metadata(form: PduFormat, size: int, name: int) -> None:
    params = MetadataParams(
        closure_requested=False,
        checksum_type=ChecksumType.CRC_32,
        file_size=size,
        source_file_name="n" * name,
        dest_file_name="n" * name,
    )
    assert len(MetadataPdu(config(form, size), params).pack()) == form.metadata(size, name)


@given(formats, sizes)
def test_eof_and_ack(form: PduFormat, size: int) -> None:
    plain = EofPdu(config(form, size), file_checksum=bytes(4), file_size=size)
    assert len(plain.pack()) == form.eof(size)
    cancel = EofPdu(
        config(form, size),
        file_checksum=bytes(4),
        file_size=size,
        fault_location=EntityIdTlv(bytes(form.entity_id_bytes)),
        condition_code=ConditionCode.CANCEL_REQUEST_RECEIVED,
    )
    assert len(cancel.pack()) == form.eof(size, cancelled=True)
    for directive in (DirectiveType.EOF_PDU, DirectiveType.FINISHED_PDU):
        ack = AckPdu(
            config(form, size), directive, ConditionCode.NO_ERROR, TransactionStatus.ACTIVE
        )
        assert len(ack.pack()) == form.ack == form.uplink_pdu(AckEof(), size)


@given(formats, sizes)
def test_finished(form: PduFormat, size: int) -> None:
    good = FinishedPdu(config(form, size), FinishedParams.success_params())
    assert len(good.pack()) == form.uplink_pdu(Finished(), size)
    bad = FinishedParams(
        ConditionCode.NAK_LIMIT_REACHED,
        DeliveryCode.DATA_INCOMPLETE,
        FileStatus.FILE_RETAINED,
        fault_location=EntityIdTlv(bytes(form.entity_id_bytes)),
    )
    expected = form.uplink_pdu(Finished(Condition.NAK_LIMIT), size)
    assert len(FinishedPdu(config(form, size), bad).pack()) == expected


@given(formats, sizes, st.integers(0, 60), st.integers(80, 2000))
def test_nak(form: PduFormat, size: int, requests: int, largest: int) -> None:
    segments = [(2 * n, 2 * n + 1) for n in range(requests)]
    nak = NakPdu(config(form, size), 0, size, segments)
    assert len(nak.pack()) == form.nak(size, requests)
    assert form.uplink_pdu(Nak((0, size), tuple(segments)), size) == form.nak(size, requests)
    most = get_max_seg_reqs_for_max_packet_size_and_pdu_cfg(largest, config(form, size))
    assert form.requests_per_nak(size, largest) == most
    assert form.nak(size, most) <= largest < form.nak(size, most + 1)


def test_sizes_that_docs_transfer_md_lists() -> None:
    form, size = PduFormat(), 1_000_000
    assert form.metadata(size, 16) == 48
    assert form.file_data_overhead(size) == 12
    assert form.eof(size) == 18
    assert form.eof(size, cancelled=True) == 21
    assert form.ack == 11
    assert form.finished(Condition.NO_ERROR) == 10
    assert form.nak(size, 1) == 25
    assert form.requests_per_nak(size, 256) == 29


def test_a_nak_that_cannot_hold_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 25 bytes"):
        PduFormat().requests_per_nak(100, 24)


@given(
    st.lists(st.integers(1, 1000), unique=True, max_size=40).map(sorted),
    st.integers(1, 7),
    st.booleans(),
)
def test_a_long_list_of_requests_is_split_into_adjacent_scopes(
    edges: list[int], per_pdu: int, metadata: bool
) -> None:
    requests = list(zip(edges[::2], edges[1::2], strict=False))
    if metadata:
        requests.insert(0, METADATA_REQUEST)
    naks = list(nak_sequence(requests, (0, 1000), per_pdu))
    assert [request for nak in naks for request in nak.requests] == requests
    assert all(1 <= len(nak.requests) <= per_pdu for nak in naks)
    assert all(one.scope[1] == two.scope[0] for one, two in pairwise(naks))
    if naks:
        assert (naks[0].scope[0], naks[-1].scope[1]) == (0, 1000)
    for nak in naks:
        assert all(
            nak.scope[0] <= start and end <= nak.scope[1]
            for start, end in nak.requests
            if (start, end) != METADATA_REQUEST
        )
