import { randomUUID } from "node:crypto"
import { ApiClient } from "../support/ApiClient.ts"
import { CutProxy } from "../support/CutProxy.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { DurableHost, Person } from "./Host.ts"
import { urlOf } from "./Host.ts"

const portOf = (url: string): number => Number(new URL(url).port)

/** Parley, a process of its own. */
export const parleyHost = async (env: Readonly<Record<string, string>> = {}): Promise<DurableHost> => {
  const server = new ServerProcess()
  const start = () => server.up({ ...unlimited, ...env })
  let started = await start()
  const proxy = await CutProxy.start(portOf(started.socketUrl))
  return {
    url: urlOf(proxy.port),
    get directUrl() {
      return urlOf(portOf(started.socketUrl))
    },
    proxy,
    person: async (): Promise<Person> => {
      const name = `person-${randomUUID().slice(0, 8)}`
      const api = new ApiClient(started.url)
      const { refreshToken, token } = await api.somebody(name)
      let [last, next] = [token, refreshToken]
      return {
        name,
        token,
        another: async () => {
          const { json, status, text } = await api.refresh(next)
          if (status !== 200) throw new Error(`refresh: ${status} ${text}`)
          next = String(json["refresh_token"])
          last = String(json["token"])
          return last
        },
        logOut: async () => {
          await api.logout(last)
        }
      }
    },
    mend: () => {
      proxy.target = portOf(started.socketUrl)
    },
    restart: async () => {
      await started.stop("SIGKILL")
      started = await start()
      proxy.target = portOf(started.socketUrl)
    },
    remove: async () => {
      await proxy.close()
      await server.remove()
    }
  }
}
