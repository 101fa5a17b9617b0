import { OrderQueryService } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { openBus } from '@orderplane/shared/events/jetstream/open.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { orderQueryConfig } from './config.ts';
import { mongoReadModel } from './mongo-read-model.ts';
import { changeOf, PROJECTED_TOPICS } from './projection.ts';
import { projectionNews } from './projection-news.ts';
import { orderQueries } from './queries.ts';

export const orderQuery = defineService({
  name: 'order-query',
  config: orderQueryConfig,
  async start(context) {
    const { config, name, readiness } = context;
    const readModel = mongoReadModel(config.MONGO_URI, name);
    context.onStop(() => readModel.close());
    readiness.add({ name: 'mongo', critical: true, run: () => readModel.check() });
    const news = projectionNews();
    // Without the broker, queries are answered with what was projected so far.
    const bus = openBus(context);
    bus.consume({
      name,
      topics: PROJECTED_TOPICS,
      pipelined: true,
      async handle(event) {
        if ((await readModel.apply(changeOf(event))) === 'early') return 'early';
        news.tell(event.subject);
        return 'done';
      },
    });
    return serveGrpc(context, config.PORT, (router) =>
      router.service(OrderQueryService, orderQueries(readModel, news)),
    );
  },
});
