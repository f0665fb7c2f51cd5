import protobuf from 'protobufjs';

/** A `.proto` file whose text stands in this code, because no client brings it along. */
export interface OwnProto {
  /** As others import it. */
  readonly name: string;
  readonly text: string;
}

/** The service that the file declares. */
export function serviceOf({ text }: OwnProto): protobuf.Service {
  const { root, package: space = '' } = protobuf.parse(text);
  root.resolveAll();
  const namespace = root.lookup(space) as protobuf.Namespace;
  return namespace.nestedArray.find((object) => object instanceof protobuf.Service)!;
}
