import type { estypes } from "@elastic/elasticsearch"

/** What `elk_stack/setup/index-template.json` holds. Fields of Elastic's Common Schema that the log has, and nothing that a client could add: `labels` is one field. */
export const indexTemplate = {
  index_patterns: ["logs-chat-*"],
  data_stream: {},
  priority: 500,
  template: {
    settings: {
      index: {
        lifecycle: {
          name: "parley-logs"
        },
        number_of_replicas: 0
      }
    },
    mappings: {
      dynamic: false,
      properties: {
        "@timestamp": {
          type: "date"
        },
        message: {
          type: "match_only_text"
        },
        ecs: {
          properties: {
            version: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        log: {
          properties: {
            level: {
              type: "keyword",
              ignore_above: 1024
            },
            file: {
              properties: {
                path: {
                  type: "keyword",
                  ignore_above: 1024
                }
              }
            },
            logger: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        service: {
          properties: {
            name: {
              type: "keyword",
              ignore_above: 1024
            },
            version: {
              type: "keyword",
              ignore_above: 1024
            },
            environment: {
              type: "keyword",
              ignore_above: 1024
            },
            node: {
              properties: {
                name: {
                  type: "keyword",
                  ignore_above: 1024
                }
              }
            }
          }
        },
        event: {
          properties: {
            dataset: {
              type: "keyword",
              ignore_above: 1024
            },
            duration: {
              type: "long"
            }
          }
        },
        process: {
          properties: {
            pid: {
              type: "long"
            }
          }
        },
        host: {
          properties: {
            hostname: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        http: {
          properties: {
            request: {
              properties: {
                id: {
                  type: "keyword",
                  ignore_above: 1024
                },
                method: {
                  type: "keyword",
                  ignore_above: 1024
                }
              }
            },
            response: {
              properties: {
                status_code: {
                  type: "long"
                }
              }
            }
          }
        },
        url: {
          properties: {
            path: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        client: {
          properties: {
            address: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        user: {
          properties: {
            id: {
              type: "keyword",
              ignore_above: 1024
            },
            name: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        trace: {
          properties: {
            id: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        transaction: {
          properties: {
            id: {
              type: "keyword",
              ignore_above: 1024
            }
          }
        },
        error: {
          properties: {
            type: {
              type: "keyword",
              ignore_above: 1024
            },
            message: {
              type: "match_only_text"
            },
            stack_trace: {
              type: "wildcard"
            }
          }
        },
        labels: {
          type: "flattened"
        },
        parley: {
          properties: {
            messages: {
              type: "long"
            },
            deliveries: {
              type: "long"
            },
            rejections: {
              type: "long"
            },
            slow_consumers: {
              type: "long"
            },
            sockets: {
              type: "long"
            }
          }
        }
      }
    }
  }
} satisfies Omit<estypes.IndicesPutIndexTemplateRequest, "name">
