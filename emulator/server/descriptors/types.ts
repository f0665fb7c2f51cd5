/** `google/protobuf/descriptor.proto` as plain objects, enums as their names, as far as protoc fills it for the files served here. */
export interface FileDescriptor extends Named {
  readonly package: string;
  readonly dependency: readonly string[];
  readonly message_type: readonly MessageDescriptor[];
  readonly enum_type: readonly EnumDescriptor[];
  readonly service: readonly ServiceDescriptor[];
  readonly extension: readonly FieldDescriptor[];
  /** Absent: proto2. */
  readonly syntax?: 'proto3';
}

/** What every declaration has. */
export interface Named {
  readonly name: string;
  readonly options?: object;
}

export interface MessageDescriptor extends Named {
  readonly field: readonly FieldDescriptor[];
  readonly extension: readonly FieldDescriptor[];
  readonly nested_type: readonly MessageDescriptor[];
  readonly enum_type: readonly EnumDescriptor[];
  readonly extension_range: readonly Range[];
  readonly oneof_decl: readonly Named[];
  readonly reserved_range: readonly Range[];
  readonly reserved_name: readonly string[];
}

export interface FieldDescriptor extends Named {
  readonly number: number;
  readonly label: 'LABEL_OPTIONAL' | 'LABEL_REPEATED' | 'LABEL_REQUIRED';
  readonly type: string;
  /** Of a message or an enum, with a leading dot. */
  readonly type_name?: string;
  /** With a leading dot. */
  readonly extendee?: string;
  readonly default_value?: string;
  readonly oneof_index?: number;
  readonly json_name: string;
  readonly proto3_optional?: true;
}

export interface EnumDescriptor extends Named {
  readonly value: readonly (Named & { readonly number: number })[];
  readonly reserved_range: readonly Range[];
  readonly reserved_name: readonly string[];
}

export interface ServiceDescriptor extends Named {
  readonly method: readonly MethodDescriptor[];
}

export interface MethodDescriptor extends Named {
  readonly input_type: string;
  readonly output_type: string;
  readonly client_streaming?: true;
  readonly server_streaming?: true;
}

/** In a message the end is past the last number; in an enum it is the last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}
