// Zip archives, as much of the format as skills need: written deflated, read stored or deflated (APPNOTE 6.3).

import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { invalidRequest } from '../http/api-error.ts'

export type ZipEntry = { readonly path: string; readonly bytes: Buffer }

const localSignature = 0x04034b50
const centralSignature = 0x02014b50
const endSignature = 0x06054b50
const localHeaderBytes = 30
const centralHeaderBytes = 46
const endBytes = 22
const deflated = 8
/** 1980-01-01, the first day of the format: an archive depends on its files alone. */
const epochDay = 0x21
const utf8Names = 0x0800
const unixVersion20 = (3 << 8) | 20
const regularFile644 = (0o100644 << 16) >>> 0

/** Whether bytes start as a zip archive does. */
export const isZip = (bytes: Buffer): boolean => bytes.length > 4 && bytes.readUInt32LE(0) === localSignature

/** An archive of the files, in their order. */
export function writeZip(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { path, bytes } of entries) {
    const name = Buffer.from(path)
    const packed = deflateRawSync(bytes)
    const shared = Buffer.alloc(localHeaderBytes - 4)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(utf8Names, 2)
    shared.writeUInt16LE(deflated, 4)
    shared.writeUInt16LE(epochDay, 8)
    shared.writeUInt32LE(crc32(bytes), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(bytes.length, 18)
    shared.writeUInt16LE(name.length, 22)
    local.push(signed(localSignature), shared, name, packed)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(regularFile644, 6)
    tail.writeUInt32LE(offset, 10)
    central.push(signed(centralSignature), shortOf(unixVersion20), shared, tail, name)
    offset += localHeaderBytes + name.length + packed.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(endBytes)
  end.writeUInt32LE(endSignature, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...local, directory, end])
}

function signed(signature: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(signature)
  return bytes
}

function shortOf(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

/** The files of an archive, directories left out, inflated to at most `bytesMax` together. Throws a 400 for anything else. */
export function readZip(archive: Buffer, bytesMax: number): readonly ZipEntry[] {
  try {
    return [...entriesOf(archive, bytesMax)]
  } catch (error) {
    throw invalidRequest(
      `files: the zip archive cannot be read: ${error instanceof Error ? error.message : error}`,
    )
  }
}

function* entriesOf(archive: Buffer, bytesMax: number): Generator<ZipEntry> {
  const end = archive.lastIndexOf(signed(endSignature))
  if (end === -1) throw new Error('it has no end')
  let at = archive.readUInt32LE(end + 16)
  let left = bytesMax
  for (let count = archive.readUInt16LE(end + 10); count > 0; count -= 1) {
    if (archive.readUInt32LE(at) !== centralSignature) throw new Error('its directory is damaged')
    const method = archive.readUInt16LE(at + 10)
    const packedBytes = archive.readUInt32LE(at + 20)
    const nameBytes = archive.readUInt16LE(at + 28)
    const localAt = archive.readUInt32LE(at + 42)
    const path = archive.subarray(at + centralHeaderBytes, at + centralHeaderBytes + nameBytes).toString()
    const start =
      localAt + localHeaderBytes + archive.readUInt16LE(localAt + 26) + archive.readUInt16LE(localAt + 28)
    const packed = archive.subarray(start, start + packedBytes)
    if (method !== 0 && method !== deflated) throw new Error(`\`${path}\` is packed by method ${method}`)
    const bytes = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, left) })
    left -= bytes.length
    if (left < 0) throw new Error(`it holds more than ${bytesMax} bytes`)
    if (crc32(bytes) !== archive.readUInt32LE(at + 16)) throw new Error(`\`${path}\` is damaged`)
    if (!path.endsWith('/')) yield { path, bytes }
    at += centralHeaderBytes + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
}
