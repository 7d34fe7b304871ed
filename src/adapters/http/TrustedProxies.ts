import { BlockList, isIP } from "node:net"

/** Splits `address/prefix`; the whole address where there is no prefix. */
const blockOf = (entry: string) => {
  const [address = "", prefix, ...rest] = entry.trim().split("/")
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return undefined
  const longest = version === 4 ? 32 : 128
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > longest)) return undefined
  return {
    address,
    prefix: prefix === undefined ? longest : Number(prefix),
    family: version === 4 ? "ipv4" : "ipv6"
  } as const
}

/** Whether `TRUSTED_PROXIES` may hold this entry: an IP address or a CIDR block. */
export const isProxyEntry = (entry: string): boolean => blockOf(entry) !== undefined

/** Which peers are our own proxies, so that what they say of a request is believed. Entries that are none are not in it. */
export const makeTrustedProxies = (entries: ReadonlyArray<string>): ((address: string) => boolean) => {
  if (entries.length === 0) return () => false
  const list = new BlockList()
  for (const entry of entries) {
    const block = blockOf(entry)
    if (block !== undefined) list.addSubnet(block.address, block.prefix, block.family)
  }
  return (address) => {
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6")
  }
}
