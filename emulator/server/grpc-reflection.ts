import { status as codes } from '@grpc/grpc-js';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { FileDescriptorIndex } from './file-descriptors.ts';
import type { Plain } from './schema.ts';
import { decodeMessage, encodeMessage, fullNameOf } from './schema.ts';

/** `grpc/reflection/v1/reflection.proto`; `v1alpha` says the same in a package of its own. */
const reflectionProto = (version: string): string => `
  syntax = "proto3";
  package grpc.reflection.${version};
  message ServerReflectionRequest {
    string host = 1;
    oneof message_request {
      string file_by_filename = 3;
      string file_containing_symbol = 4;
      ExtensionRequest file_containing_extension = 5;
      string all_extension_numbers_of_type = 6;
      string list_services = 7;
    }
  }
  message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
  message ServerReflectionResponse {
    string valid_host = 1;
    ServerReflectionRequest original_request = 2;
    oneof message_response {
      FileDescriptorResponse file_descriptor_response = 4;
      ExtensionNumberResponse all_extension_numbers_response = 5;
      ListServiceResponse list_services_response = 6;
      ErrorResponse error_response = 7;
    }
  }
  message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
  message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
  message ListServiceResponse { repeated ServiceResponse service = 1; }
  message ServiceResponse { string name = 1; }
  message ErrorResponse { int32 error_code = 1; string error_message = 2; }
  service ServerReflection {
    rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
  }
`;

/** Adds gRPC reflection, v1 and v1alpha, that describes these services and itself. */
export function addReflection(server: Server, services: readonly protobuf.Service[]): void {
  const reflections = ['v1', 'v1alpha'].map((version) =>
    protobuf
      .parse(reflectionProto(version))
      .root.resolveAll()
      .lookupService(`grpc.reflection.${version}.ServerReflection`),
  );
  const all = [...services, ...reflections];
  const names = all.map(fullNameOf);
  // Made when first asked for: most runs never are.
  let index: FileDescriptorIndex | undefined;
  const files = (): FileDescriptorIndex => (index ??= new FileDescriptorIndex(all.map(({ root }) => root)));
  for (const service of reflections) {
    const [rpc] = service.methodsArray;
    const requestType = rpc!.resolvedRequestType as protobuf.Type;
    const responseType = rpc!.resolvedResponseType as protobuf.Type;
    const definition = {
      ServerReflectionInfo: {
        path: `/${fullNameOf(service)}/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    };
    server.addService(definition, {
      ServerReflectionInfo: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (bytes: Buffer) => {
          let request: Plain;
          try {
            request = decodeMessage(requestType, bytes);
          } catch {
            call.emit(
              'error',
              Object.assign(new Error('The request is no valid ServerReflectionRequest.'), {
                code: codes.INVALID_ARGUMENT,
              }),
            );
            return;
          }
          const response = { originalRequest: request, ...answer(request, names, files()) };
          call.write(encodeMessage(responseType, response));
        });
        call.on('end', () => call.end());
      },
    });
  }
}

function answer(request: Plain, names: readonly string[], files: FileDescriptorIndex): Plain {
  if (request['listServices'] !== undefined) {
    return { listServicesResponse: { service: names.map((name) => ({ name })) } };
  }
  const { fileByFilename, fileContainingSymbol = '' } = request as Record<string, string | undefined>;
  const file =
    fileByFilename === undefined ? files.bySymbol(fileContainingSymbol) : files.byName(fileByFilename);
  if (file !== undefined) return { fileDescriptorResponse: { fileDescriptorProto: [file] } };
  return {
    errorResponse: { errorCode: codes.NOT_FOUND, errorMessage: 'No such file, symbol or extension.' },
  };
}
