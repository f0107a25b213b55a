"""File transfer without I/O and without a clock: what each end sends next, and what it knows.

```
             metadata, file data, EOF ──►
  Sender                                     Receiver       acknowledged: CFDP class 2
             ◄── ACK(EOF), NAK, Finished
             ACK(Finished) ──►

  Sender     metadata, file data, EOF ──►    Receiver       unacknowledged: CFDP class 1

  ResumableTransfer   file data ──►          (no state)     resumable: each packet is acknowledged
             ◄── received or lost                           as received or lost, and lost ones
                                                            are not sent again
```

docs/transfer.md describes the procedures, the sizes of their PDUs, and what is simplified.
"""

from .base import Transfer
from .resumable import ResumableTransfer

__all__ = ["ResumableTransfer", "Transfer"]
