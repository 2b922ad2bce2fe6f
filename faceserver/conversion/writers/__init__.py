"""From the neutral graph, or from Caffe, to files of networks."""
