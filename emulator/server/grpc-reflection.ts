import { status as codes } from '@grpc/grpc-js';
import { FileIndex } from './descriptors/file-index.ts';
import { healthProto } from './grpc-health.ts';
import { serviceOf } from './own-proto.ts';
import type { OwnProto } from './own-proto.ts';
import type { StreamRpc, Surface } from './rpc.ts';
import { fullNameOf } from './schema.ts';
import type { Plain } from './schema.ts';

/** The files of what is served, beside our own, and of what stands in the details of errors. */
const GOOGLE_PROTOS = [
  'google/cloud/tasks/v2/cloudtasks.proto',
  'google/cloud/tasks/v2beta2/cloudtasks.proto',
  'google/cloud/tasks/v2beta3/cloudtasks.proto',
  'google/cloud/location/locations.proto',
  'google/longrunning/operations.proto',
  'google/rpc/error_details.proto',
];

const reflectionProtos = ['v1', 'v1alpha'].map(reflectionProto);

/** The two versions say the same, each in a package of its own. */
function reflectionProto(version: string): OwnProto {
  return {
    name: `grpc/reflection/${version}/reflection.proto`,
    text: `
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
    `,
  };
}

/** gRPC reflection, v1 and v1alpha, that describes these surfaces and itself. */
export function grpcReflection(surfaces: readonly Surface[]): readonly Surface[] {
  const services = reflectionProtos.map(serviceOf);
  const names = [...surfaces.map(({ service }) => service), ...services].map(fullNameOf);
  // Made when first asked for: most runs never are.
  let index: FileIndex | undefined;
  const own = new Map([healthProto, ...reflectionProtos].map(({ name, text }) => [name, text]));
  const info: StreamRpc = async function* (requests) {
    // A client is sent each file once, with all that it needs.
    const sent = new Set<string>();
    for await (const request of requests) {
      index ??= new FileIndex(GOOGLE_PROTOS, own);
      yield { validHost: request['host'], originalRequest: request, ...answer(request, names, index, sent) };
    }
  };
  return services.map((service) => ({
    service,
    restVersions: [],
    rpcs: {},
    streams: { ServerReflectionInfo: info },
  }));
}

interface Request {
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType?: string; readonly extensionNumber?: number };
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

function answer(request: Request, names: readonly string[], index: FileIndex, sent: Set<string>): Plain {
  const { fileByFilename, fileContainingSymbol, fileContainingExtension, allExtensionNumbersOfType } =
    request;
  if (request.listServices !== undefined) {
    return { listServicesResponse: { service: names.map((name) => ({ name })) } };
  }
  if (allExtensionNumbersOfType !== undefined) {
    const extensionNumber = index.extensionNumbers(allExtensionNumbersOfType);
    if (extensionNumber === undefined) return notFound(`type ${allExtensionNumbersOfType}`);
    return { allExtensionNumbersResponse: { baseTypeName: allExtensionNumbersOfType, extensionNumber } };
  }
  const answerFile = (name: string | undefined, wanted: string): Plain => {
    const files = name === undefined ? undefined : index.closure(name, sent);
    if (files === undefined) return notFound(wanted);
    for (const each of files.keys()) sent.add(each);
    return { fileDescriptorResponse: { fileDescriptorProto: [...files.values()] } };
  };
  if (fileByFilename !== undefined) return answerFile(fileByFilename, `file ${fileByFilename}`);
  if (fileContainingSymbol !== undefined) {
    return answerFile(index.fileOfSymbol(fileContainingSymbol), `symbol ${fileContainingSymbol}`);
  }
  if (fileContainingExtension !== undefined) {
    const { containingType = '', extensionNumber = 0 } = fileContainingExtension;
    const name = index.fileOfExtension(containingType, extensionNumber);
    return answerFile(name, `extension ${extensionNumber} of ${containingType}`);
  }
  return errorResponse(codes.INVALID_ARGUMENT, 'The request asks for nothing.');
}

function notFound(wanted: string): Plain {
  return errorResponse(codes.NOT_FOUND, `There is no ${wanted}.`);
}

function errorResponse(errorCode: number, errorMessage: string): Plain {
  return { errorResponse: { errorCode, errorMessage } };
}
