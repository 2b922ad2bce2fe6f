"""MTCNN: three networks in a row find faces and their five points.

After K. Zhang, Z. Zhang, Z. Li, Y. Qiao: Joint Face Detection and Alignment using Multi-task
Cascaded Convolutional Networks, IEEE Signal Processing Letters 23(10), 2016. The networks are the
published Caffe ones or compatible: their pictures lie on their side, (batch, 3, x, y).
"""

from faceserver.vision.mtcnn.detector import MtcnnDetector, MtcnnOptions

__all__ = ["MtcnnDetector", "MtcnnOptions", "make"]

make = MtcnnDetector
"""How the registry of architectures makes one."""
