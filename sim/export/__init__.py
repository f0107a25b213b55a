"""Writes what other programs show: CZML for Cesium, and STAC for catalogues of pictures."""
