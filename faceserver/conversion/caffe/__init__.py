"""Caffe files read and written without Caffe."""
