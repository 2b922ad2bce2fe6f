"""Rewrites a TensorFlow graph to what it computes when it is not being trained.

A graph that was trained with slim chooses by a placeholder (``phase_train``) between two branches:
``Switch`` sends its input to one of its outputs, the nodes of the other branch are dead, and
``Merge`` passes on what is alive. With the placeholder false, all of that is decided beforehand.
"""

from faceserver.conversion.readers.graphdef_pb2 import GraphDef, NodeDef, TensorShapeProto

_FLOAT, _BOOL = 1, 10  # of TensorFlow's enum DataType

# They pass their first input on.
_PASSING = {
    "CheckNumerics",
    "EnsureShape",
    "Identity",
    "PreventGradient",
    "ReadVariableOp",
    "Snapshot",
    "StopGradient",
}

# What a batch of pictures comes out of while training.
_FEEDING = ("IteratorGetNext", "PlaceholderWithDefault", "QueueDequeueMany", "QueueDequeueUpTo")

_PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")


def inference_graph(graph: GraphDef) -> tuple[dict[str, NodeDef], dict[str, str]]:
    """Decide every choice that depends on the training flag, and take out what only passes on.

    Pictures that come out of a queue or an iterator come from a placeholder instead.

    Returns:
        The nodes that are left by name, without control inputs; and for each node that was taken
        out the one whose output it passed on.
    """
    rewriter = _Rewriter({node.name: node for node in graph.node})
    for name in _in_order(rewriter.nodes):
        rewriter.visit(rewriter.nodes[name])
    return rewriter.kept, rewriter.passed()


class _Rewriter:
    def __init__(self, nodes: dict[str, NodeDef]) -> None:
        self.nodes = nodes
        self.kept: dict[str, NodeDef] = {}
        self._dead: set[str] = set()  # tensors, and nodes as "name"
        self._aliases: dict[str, str] = {}  # a tensor, and the one that it is equal to

    def passed(self) -> dict[str, str]:
        """Return each node that was taken out, and the one whose output it passed on."""
        return {
            tensor.partition(":")[0]: source.removesuffix(":0")
            for tensor, source in self._aliases.items()
        }

    def visit(self, node: NodeDef) -> None:
        """Keep a node, take it out, or find it dead; those that it reads have been visited."""
        inputs = [self._resolved(name) for name in node.input if not name.startswith("^")]
        dead = [name for name in inputs if name in self._dead]
        if node.op in ("Merge", "RefMerge"):
            alive = [name for name in inputs if name not in self._dead]
            if len(alive) == 1:
                self._aliases[f"{node.name}:0"] = alive[0]
                return
        elif dead or any(name[1:] in self._dead for name in node.input if name[0] == "^"):
            self._dead.update((node.name, *(f"{node.name}:{port}" for port in range(8))))
            return
        if node.op in _PASSING and inputs:
            self._aliases[f"{node.name}:0"] = inputs[0]
        elif node.op in ("Switch", "RefSwitch") and (flag := self._flag(inputs[1])) is not None:
            self._aliases[f"{node.name}:{int(flag)}"] = inputs[0]
            self._dead.add(f"{node.name}:{int(not flag)}")
        else:
            self.kept[node.name] = self._rewritten(node, inputs)

    def _resolved(self, tensor: str) -> str:
        name = tensor if ":" in tensor else f"{tensor}:0"
        return self._aliases.get(name, name)

    def _flag(self, tensor: str) -> bool | None:
        """Return a condition's value when not training, None if it is another condition."""
        node = self.nodes.get(tensor.removesuffix(":0"))
        if node is None:
            return None
        if node.op in _PLACEHOLDERS and node.attr["dtype"].type == _BOOL:
            return False
        if node.op == "LogicalNot":
            flag = self._flag(self._resolved(node.input[0]))
            return None if flag is None else not flag
        if node.op == "Const":
            tensor_proto = node.attr["value"].tensor
            return any(tensor_proto.bool_val) or any(tensor_proto.tensor_content)
        return None

    def _rewritten(self, node: NodeDef, inputs: list[str]) -> NodeDef:
        if node.op.startswith(_FEEDING):
            return self._placeholder(node)
        kept = NodeDef()
        kept.CopyFrom(node)
        del kept.input[:]
        kept.input.extend(name.removesuffix(":0") for name in inputs)
        return kept

    def _placeholder(self, node: NodeDef) -> NodeDef:
        feed = NodeDef(name=node.name, op="Placeholder")
        feed.attr["dtype"].type = _FLOAT
        feed.attr["shape"].shape.CopyFrom(self._fed_shape(node))
        return feed

    def _fed_shape(self, node: NodeDef) -> TensorShapeProto:
        if node.op == "PlaceholderWithDefault":
            return node.attr["shape"].shape
        for name in ("output_shapes", "_output_shapes"):
            if node.attr[name].list.shape:
                return node.attr[name].list.shape[0]
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1)])
        queue = self.nodes.get(self._resolved(node.input[0]).removesuffix(":0")) or NodeDef()
        items = queue.attr["shapes"].list.shape
        if not items or items[0].unknown_rank:
            return TensorShapeProto(unknown_rank=True)
        shape.dim.extend(items[0].dim)
        return shape


def _in_order(nodes: dict[str, NodeDef]) -> list[str]:
    """Return all nodes, each after those that it reads or waits for."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()
    for start in nodes:
        stack = [(start, False)]
        while stack:
            name, inputs_done = stack.pop()
            if inputs_done:
                ordered[name] = None
            elif name not in entered and name in nodes:
                entered.add(name)
                stack.append((name, True))
                sources = (_node_of(source) for source in nodes[name].input)
                stack.extend((source, False) for source in sources)
    return list(ordered)


def _node_of(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
