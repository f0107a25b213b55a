"""Makes the small scenarios and ONNX graphs importable by the tests beside them."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "link" / "foreign")]
